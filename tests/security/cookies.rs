//! The cookies: how they are bound, and odd ones that come back.

use std::collections::BTreeSet;

use fpm_registry::{forms::FORMS, server::PAGES};

use crate::{
    ADA, CONFIRM, EVE, NOT_ME, RESET,
    keys::{Keys, without_keys},
    socket::{
        Answer, NEW_PASSWORD, PASSWORD, PUBLIC_HTTPS_URL, PUBLIC_URL, Registry, Setup, get, login,
        post,
    },
};

/// ASVS 3.3.1, 3.3.2, 3.3.3, 3.3.4, 3.3.5: each cookie of each route is out of reach of scripts and of other
/// sites' forms, and under https bound to https and to this host.
#[test]
fn every_cookie_is_bound() {
    for (url, prefix, secure) in [
        (PUBLIC_URL, "", ""),
        (PUBLIC_HTTPS_URL, "__Host-", "Secure; "),
    ] {
        let registry = Setup::unlimited().with("PUBLIC_URL", url).start();
        let attributes =
            |life: u32| format!("HttpOnly; SameSite=Lax; {secure}Path=/; Max-Age={life}");
        let assert_set = |answer: &Answer, cookies: &[(&str, u32)]| {
            let set = answer.all("set-cookie");
            assert_eq!(set.len(), cookies.len(), "{set:?}");
            for (set, (name, life)) in set.iter().zip(cookies) {
                let (pair, rest) = set.split_once("; ").unwrap();
                let (found, value) = pair.split_once('=').unwrap();
                assert_eq!(
                    (found, rest),
                    (&*format!("{prefix}{name}"), &*attributes(*life))
                );
                assert_eq!(value.len(), if *life == 0 { 0 } else { 36 });
            }
        };
        let (session, device) = (("uuid", 2_592_000), ("device", 31_536_000));
        assert_set(&registry.sign_up(ADA), &[session, device]);
        let answer = registry.log_in(ADA, PASSWORD);
        assert_set(&answer, &[session, device]);
        let cookie = |name| answer.cookie(&format!("{prefix}{name}")).unwrap();
        let unprefixed = cookie("uuid").replace("__Host-", "");
        assert_eq!(registry.is_logged_in(unprefixed), !registry.is_https);
        let known = login(ADA, PASSWORD).with("Cookie", cookie("device"));
        assert_set(&registry.send(&known.by_browser()), &[session]);
        let logout = post("/auth/logout", &[]).with("Cookie", cookie("uuid"));
        for _ in 0..2 {
            assert_set(&registry.send(&logout), &[("uuid", 0)]);
        }

        let form = ("form", 2_592_000);
        let uuid = registry.reset_uuid(ADA);
        let page = registry.send(&get(&format!("{RESET}?uuid={uuid}")).by_browser());
        assert_set(&page, &[("reset", 1800)]);
        let reset = format!("{prefix}reset={uuid}");
        let refused = post(RESET, &[("password", "short")]).with("Cookie", &reset);
        assert_set(&registry.send(&refused.by_browser()), &[("reset", 1800)]);
        let done = post(RESET, &[("password", NEW_PASSWORD)]).with("Cookie", &reset);
        assert_set(&registry.send(&done.by_browser()), &[device, ("reset", 0)]);
        assert_set(
            &registry.send(&get(RESET).with("Cookie", &reset)),
            &[("reset", 0), form],
        );

        assert_set(&registry.send(&get("/").by_browser()), &[]);
        let keys = Keys::of_a_user(&registry, EVE);
        let pages: BTreeSet<&str> = FORMS.iter().filter_map(|form| form.page).collect();
        for path in pages {
            let sent = keys.open(path).by_browser();
            let page = registry.send(&sent);
            assert_set(&page, &[form]);
            let known = page.cookie(&format!("{prefix}form")).unwrap();
            assert_set(&registry.send(&sent.with("Cookie", known)), &[]);
        }
        for (path, uuid, cookie) in [
            (CONFIRM, &keys.confirm, ("confirm", 86_400)),
            (NOT_ME, &keys.not_me, ("not-me", 1800)),
        ] {
            let link = get(&format!("{path}?uuid={uuid}")).by_browser();
            assert_set(&registry.send(&link), &[cookie]);
        }
        let links = [("confirm", &keys.confirm), ("not-me", &keys.not_me)];
        let links = links.map(|(name, uuid)| format!("{prefix}{name}={uuid}"));
        let logout = post("/auth/logout", &[]).with("Cookie", links.join("; "));
        let removed = [("uuid", 0), ("confirm", 0), ("not-me", 0)];
        assert_set(&registry.send(&logout), &removed);
    }
}

/// F17, CS-Session, ASVS 7.2.4: odd, repeated and broken cookies are no session and no failure; of two with one
/// name neither counts.
#[test]
fn odd_cookies_do_no_harm() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let others = ["theme=dark"; 49].join("; ");
    assert!(registry.is_logged_in(format!("{others};{session}; {others}")));
    for second in ["uuid=john", "uuid=", &session] {
        assert!(!registry.is_logged_in(format!("{session}; {second}")));
        assert!(!registry.is_logged_in(format!("{second}; {session}")));
        let two_lines = get("/").with("Cookie", &session).with("Cookie", second);
        let page = registry.send(&two_lines).body;
        assert!(!page.contains("You are logged in as"));
    }
    for broken in [
        &b"uuid"[..],
        b"uuid=",
        b"=",
        b";;; ; =;",
        b"uuid=\xff\xfe",
        b"uuid=\"",
        b"uuid={\"$ne\":1}",
        b"uuid[$ne]=1",
        b"uuid=%00",
        b"uuid=../../etc/passwd",
        b"uuid=936DA01F-9ABD-4D9D-80C7-02AF85C822A8",
        b"uuid=00000000-0000-0000-0000-000000000000",
        b"reset=\xff; device={}; uuid=1",
    ] {
        assert!(!registry.is_logged_in(broken));
        for page in PAGES {
            let sent = get(page.path).with("Cookie", broken);
            let closed = without_keys(page.path);
            assert_eq!(registry.send(&sent).status, closed, "{}", page.path);
        }
        let logout = registry.send(&post("/auth/logout", &[]).with("Cookie", broken));
        logout.assert_refused(404, "User not found", None);
        let cleared = "uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
        assert_eq!(logout.all("set-cookie"), [cleared]);
        let login = registry.send(&login(ADA, PASSWORD).with("Cookie", broken));
        login.assert_done("Login successful");
    }
    assert!(registry.is_logged_in(&session));
}

/// ASVS 3.3.3: a sibling of the registry's host can set cookies, but none whose name begins with `__Host-`. It
/// gets no further with a name that differs only by white space.
#[test]
fn a_cookie_named_like_ours_plants_nothing() {
    let registry = Setup::new().with("PUBLIC_URL", PUBLIC_HTTPS_URL).start();
    registry.sign_up(ADA);
    let session = registry
        .log_in(ADA, PASSWORD)
        .cookie("__Host-uuid")
        .unwrap();
    assert!(session.starts_with("__Host-uuid="), "{session}");
    assert!(registry.is_logged_in(&session));
    assert!(registry.is_logged_in(format!("a=b;\t {session} \t;c=d")));
    let link = format!("__Host-reset={}", registry.reset_uuid(ADA));
    let page = |cookie: &[u8]| {
        let page = get("/auth/reset-password").with("Cookie", cookie);
        registry.send(&page).body
    };
    assert!(page(link.as_bytes()).contains("Choose a new password"));
    for space in ["\u{2000}", "\u{a0}", "\u{3000}", "\u{85}", "\u{2028}"] {
        for planted in [
            format!("{space}{session}"),
            session.replace('=', &format!("{space}=")),
        ] {
            assert!(!registry.is_logged_in(&planted), "{planted:?}");
        }
        let planted = format!("{space}{link}");
        assert!(!page(planted.as_bytes()).contains("Choose a new password"));
    }
}
