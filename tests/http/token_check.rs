//! `/auth/token/check`, `/auth/token/used` and `/auth/token/end`: what those do who have the text of an upload token.

use fpm_registry::accounts::operator::request::Act;
use serde_json::json;

use crate::{
    ADA, DAY, PROGRAM,
    common::{Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
    is_now,
    upload_tokens::{make, tokens},
};

contract! {
    a_live_token_is_answered
    a_check_says_in_one_sentence_why_it_would_fail
    what_is_missing_in_a_check_is_said
    a_first_publication_happens_once
    of_twenty_first_publications_at_once_one_happens
    whoever_has_a_token_can_end_it
    a_use_is_noted_once_an_hour
    a_token_logs_nobody_in
    whoever_ends_many_tokens_makes_no_flood_of_mail
    an_address_that_is_not_confirmed_is_not_told
}

const UNKNOWN: &str = "This upload token was ended or never made: make a new one";
const INCOMPLETE: &str =
    "This is not a whole upload token: it begins with fpm_ and has 42 characters";
/// A text in the form of a token that nobody has.
pub const NOBODYS: &str = "fpm_0000000000000000000000000000000028C1ac";

async fn check(client: &Client<'_>, token: &str, package: &str, is_new: &str) -> Answer {
    let fields = [("token", token), ("package", package), ("is_new", is_new)];
    client.post("/auth/token/check", &fields).await
}

async fn a_live_token_is_answered(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let id = ada.facts("/account/export").await["id"].clone();
    let text = make(&ada, "stdlib json-*", "publish").await;
    let expires_at = tokens(&ada).await[0]["expires_at"].clone();
    for kind in EVERY_CLIENT {
        for is_new in ["true", "false"] {
            let answer = check(&registry.client(kind), &text, "json-fortran", is_new).await;
            let whole = json!({
                "id": id,
                "email": ADA,
                "packages": ["stdlib", "json-*"],
                "may": "publish",
                "expires_at": expires_at,
            });
            assert_eq!((answer.status.as_u16(), answer.json()), (200, whole));
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

async fn a_check_says_in_one_sentence_why_it_would_fail(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let mut texts = Vec::new();
    for may in ["publish", "publish-new", "publish-update", "first-publish"] {
        texts.push(make(&ada, "stdlib", may).await);
    }
    let [publish, publish_new, publish_update, first_publish] = &texts[..] else {
        panic!("four tokens");
    };
    let cut = &publish[..41];
    for kind in EVERY_CLIENT
        .into_iter()
        .filter(|kind| *kind != Kind::Browser)
    {
        for (token, package, is_new, sentence) in [
            ("", "stdlib", "true", INCOMPLETE),
            ("john", "stdlib", "true", INCOMPLETE),
            (cut, "stdlib", "true", INCOMPLETE),
            (NOBODYS, "stdlib", "true", UNKNOWN),
            (
                publish,
                "stdlib2",
                "true",
                "This token is for the packages stdlib",
            ),
            (
                publish_new,
                "stdlib",
                "false",
                "This token is for new packages, and this one exists already",
            ),
            (
                publish_update,
                "stdlib",
                "true",
                "This token is for new versions of packages, and this one does not exist yet",
            ),
            (
                first_publish,
                "stdlib",
                "false",
                "This token is for a first publication, and this package exists already",
            ),
        ] {
            let answer = check(&registry.client(kind), token, package, is_new).await;
            answer.assert_refused(kind, 403, sentence, None);
        }
    }
    registry.wait(90 * DAY);
    let answer = check(&registry.program(), publish, "stdlib", "true").await;
    let expired = "This upload token has expired: make a new one";
    answer.assert_refused(PROGRAM, 403, expired, None);
}

async fn what_is_missing_in_a_check_is_said(registry: Registry) {
    const NAME: &str = "A package name has only lower-case letters, digits, - and _, at most 100";
    const IS_NEW: &str = "Say whether the package is new: true or false";
    let program = registry.program();
    for (package, is_new, sentence, field) in [
        ("", "true", "Package is required", "package"),
        ("Stdlib", "true", NAME, "package"),
        ("..", "true", NAME, "package"),
        ("stdlib*", "true", NAME, "package"),
        ("stdlib", "", IS_NEW, "is_new"),
        ("stdlib", "1", IS_NEW, "is_new"),
    ] {
        let answer = check(&program, NOBODYS, package, is_new).await;
        answer.assert_refused(PROGRAM, 400, sentence, Some(field));
    }
}

async fn used(client: &Client<'_>, token: &str, package: &str) -> Answer {
    let fields = [("token", token), ("package", package)];
    client.post("/auth/token/used", &fields).await
}

async fn a_first_publication_happens_once(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let other = make(&ada, "*", "publish").await;
    let program = registry.program();
    let answer = used(&program, &other, "stdlib").await;
    let not_first = "This token is not for a first publication";
    answer.assert_refused(PROGRAM, 403, not_first, None);
    for _ in 0..2 {
        let text = make(&ada, "stdlib", "first-publish").await;
        let answer = used(&program, &text, "json").await;
        let sentence = "This token is for the packages stdlib";
        answer.assert_refused(PROGRAM, 403, sentence, None);
        assert_eq!(check(&program, &text, "stdlib", "true").await.status, 200);
        let answer = used(&program, &text, "stdlib").await;
        answer.assert_done(PROGRAM, "Token used up", "/");
        for answer in [
            used(&program, &text, "stdlib").await,
            check(&program, &text, "stdlib", "true").await,
        ] {
            answer.assert_refused(PROGRAM, 403, UNKNOWN, None);
        }
    }
    assert_eq!(tokens(&ada).await.len(), 1);
}

async fn of_twenty_first_publications_at_once_one_happens(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "stdlib", "first-publish").await;
    let clients: Vec<_> = (0..20).map(|_| registry.program()).collect();
    let publications = clients.iter().map(|client| used(client, &text, "stdlib"));
    let answers = futures_util::future::join_all(publications).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 403).count();
    assert_eq!((done, refused), (1, 19));
}

async fn whoever_has_a_token_can_end_it(registry: Registry) {
    const SUBJECT: &str = "An upload token of your fpm-registry account was ended";
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.confirmed(PROGRAM, &email).await;
        let text = make(&ada, "*", "publish").await;
        let kept = make(&ada, "*", "publish").await;
        let finder = registry.client(kind);
        for nobodys in ["", "john", NOBODYS] {
            let answer = finder.post("/auth/token/end", &[("token", nobodys)]).await;
            answer.assert_refused(kind, 404, "Not found", None);
        }
        let answer = finder.post("/auth/token/end", &[("token", &text)]).await;
        answer.assert_done(kind, "Token ended", "/");
        let answer = finder.post("/auth/token/end", &[("token", &text)]).await;
        answer.assert_refused(kind, 404, "Not found", None);
        let mail = registry.mail(&email, SUBJECT).await;
        assert!(
            mail.text
                .contains(&format!("ends in {} was ended", &text[38..])),
            "{}",
            mail.text
        );
        assert!(!mail.text.contains(&text));
        let answer = check(&registry.program(), &kept, "stdlib", "true").await;
        assert_eq!(answer.status, 200);
        let history = ada.facts("/account/history").await;
        assert_eq!(history["events"][0]["kind"], "upload-token-ended-by-holder");
    }
}

async fn a_use_is_noted_once_an_hour(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    check(&registry.program(), &text, "..", "true").await;
    assert!(tokens(&ada).await[0]["used_at"].is_null());
    check(&registry.program(), &text, "stdlib", "true").await;
    let first = tokens(&ada).await[0]["used_at"].clone();
    assert!(is_now(&registry, &first));
    registry.wait(59 * crate::MINUTE);
    check(&registry.program(), &text, "stdlib", "true").await;
    assert_eq!(tokens(&ada).await[0]["used_at"], first);
    registry.wait(crate::MINUTE);
    check(&registry.program(), &text, "stdlib", "true").await;
    assert_ne!(tokens(&ada).await[0]["used_at"], first);
}

async fn a_token_logs_nobody_in(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    let answer = registry.program().login(ADA, &text).await;
    answer.assert_refused(PROGRAM, 401, "Invalid email or password", None);
    let holder = registry.program();
    for cookie in ["uuid", "device", "form"] {
        holder.set_cookie(cookie, &text);
    }
    for path in [
        "/account",
        "/account/tokens",
        "/account/export",
        "/auth/forward",
    ] {
        let answer = holder
            .get_with(path, "authorization", &format!("Bearer {text}"))
            .await;
        assert_eq!(answer.status, 401, "{path}");
    }
    let fields = [
        ("token", text.as_str()),
        ("name", "x"),
        ("packages", "*"),
        ("may", "publish"),
        ("current_password", PASSWORD),
    ];
    for path in [
        "/account/tokens",
        "/account/tokens/rotate",
        "/account/tokens/end-all",
    ] {
        assert_eq!(holder.post(path, &fields).await.status, 401, "{path}");
    }
}

async fn whoever_ends_many_tokens_makes_no_flood_of_mail(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    for _ in 0..20 {
        let text = make(&ada, "*", "publish").await;
        let answer = registry
            .program()
            .post("/auth/token/end", &[("token", &text)])
            .await;
        answer.assert_done(PROGRAM, "Token ended", "/");
    }
    let subjects = registry.subjects_to(ADA).await;
    let ended = "An upload token of your fpm-registry account was ended";
    let told = subjects.iter().filter(|subject| **subject == ended).count();
    assert!((1..=3).contains(&told), "{subjects:?}");
}

async fn an_address_that_is_not_confirmed_is_not_told(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    let act = Act::SetEmail("new@example.org".to_owned());
    registry.operate(ADA, act).await;
    let answer = check(&registry.program(), &text, "stdlib", "true").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["email"]),
        (200, &json!(""))
    );
}
