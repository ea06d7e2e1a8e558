//! The examples that protect another service by `/auth/forward`, in a real nginx and a real Caddy: users get through, and
//! nobody passes for one.

use std::net::SocketAddr;

use serde_json::Value;

use crate::{
    backend::Backend,
    proxies::{Proxy, free_address, without_tls},
    socket::{PASSWORD, PUBLIC_URL, Registry, Request, Setup, get, post, request, try_send},
};

const ADA: &str = "ada@example.org";
/// What the service is asked for.
const PATH: &str = "/stats/?of=stdlib&by=day";
/// What the service answers. It says that it closes the connection, so that no proxy uses it for a second request.
const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A registry, and a proxy that protects a service by it.
struct Site {
    registry: Registry,
    proxy: Proxy,
    service: Backend,
}

impl Site {
    /// One behind each proxy that is there.
    fn all() -> Vec<Self> {
        let proxies: [fn(SocketAddr, SocketAddr) -> Option<Proxy>; 2] =
            [behind_nginx, behind_caddy];
        let sites = proxies.map(|start| {
            let registry = Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32").start();
            let service = Backend::start(ANSWER);
            Some(Self {
                proxy: start(registry.address, service.address)?,
                registry,
                service,
            })
        });
        sites.into_iter().flatten().collect()
    }

    /// A user who has not confirmed the address; the session and the id.
    fn sign_up(&self) -> (String, String) {
        let session = self.registry.sign_up(ADA).session();
        let who = self
            .registry
            .send(&get("/auth/whoami").with("Cookie", &session));
        let who: Value = serde_json::from_str(&who.body).unwrap();
        (session, who["id"].as_str().expect("an id").to_owned())
    }

    fn confirm(&self) {
        let mut command = self.registry.setup.command();
        let done = command.args(["user", "confirm-email", ADA]).output();
        assert!(done.unwrap().status.success());
    }

    /// What the service is told of the user who sends this: all that it could read as `Remote-` and the like.
    fn told(&self, request: &Request) -> Vec<String> {
        assert_eq!(self.proxy.send(request).status, 200);
        let head = self.service.head();
        let head = head.to_ascii_lowercase();
        assert!(!head.contains("forged"), "{head}");
        assert!(!head.contains("uuid="), "{head}");
        let lines = head.lines().filter(|line| line.starts_with("remote"));
        let mut told: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        told.sort();
        told
    }
}

/// That nothing has reached the service since it was last looked at.
fn assert_nobody_got_through(service: &Backend) {
    try_send(service.address, &get("/only-this")).unwrap();
    let head = service.head();
    assert!(head.starts_with("GET /only-this "), "{head}");
}

fn behind_nginx(registry: SocketAddr, service: SocketAddr) -> Option<Proxy> {
    let protected = include_str!("../../deploy/forward-auth.nginx.conf");
    let protected = protected.replace("127.0.0.1:8080", &service.to_string());
    Proxy::nginx_at(free_address(), registry, |example| {
        let location = "    location / {";
        assert!(example.contains(location));
        without_tls(example).replace(location, &format!("{protected}{location}"))
    })
}

fn behind_caddy(registry: SocketAddr, service: SocketAddr) -> Option<Proxy> {
    let protected = include_str!("../../deploy/forward-auth.Caddyfile");
    let protected = protected.replace("127.0.0.1:8080", &service.to_string());
    Proxy::caddy_at(free_address(), registry, |example| {
        let site = "\nregistry.example.org {\n";
        assert!(example.contains(site));
        example.replace(site, &format!("{site}{protected}"))
    })
}

/// Every way to pass for another user, or to take away who one is.
fn forgeries(path: &str) -> Vec<Request> {
    const NAMES: [&str; 12] = [
        "Remote-User",
        "REMOTE-USER",
        "remote-user",
        "Remote_User",
        "remote.user",
        "Remote-Email",
        "Remote_Email",
        "remote.email",
        "Remote-Name",
        "Remote_Name",
        "remote.name",
        "Remote-Groups",
    ];
    const CONNECTIONS: [&str; 4] = [
        "Remote-User",
        "Remote-Email, close",
        "keep-alive, remote-user, Remote-Email, Remote-Name",
        "Cookie, X-Forwarded-For, Remote-Name",
    ];
    let add = |request: Request, name: &&str| request.with(name, "forged");
    let all = NAMES.iter().fold(get(path), add);
    let twice = NAMES.iter().fold(all.clone(), add);
    let names = NAMES.map(|name| get(path).with(name, "forged"));
    let empty = NAMES.map(|name| get(path).with(name, ""));
    let connections = CONNECTIONS.map(|names| all.clone().with("Connection", names));
    [&names[..], &empty, &connections, &[all, twice]].concat()
}

#[test]
fn a_service_is_told_who_is_logged_in_and_nothing_that_is_forged() {
    for site in Site::all() {
        let (session, id) = site.sign_up();
        site.confirm();
        let told = [
            format!("remote-email: {ADA}"),
            "remote-name: ada".to_owned(),
            format!("remote-user: {id}"),
        ];
        for honest in [get(PATH), request("POST", PATH), request("HEAD", PATH)] {
            assert_eq!(site.told(&honest.with("Cookie", &session)), told);
        }
        for forged in forgeries(PATH) {
            assert_eq!(site.told(&forged.with("Cookie", &session)), told);
        }
    }
}

#[test]
fn an_address_that_is_not_confirmed_is_not_told_and_none_takes_its_place() {
    for site in Site::all() {
        let (session, id) = site.sign_up();
        for forged in forgeries(PATH) {
            let mut told = site.told(&forged.with("Cookie", &session));
            // nginx sends no header that is empty.
            told.retain(|line| line != "remote-email:");
            let user = format!("remote-user: {id}");
            assert_eq!(told, ["remote-name: ada", &user]);
        }
    }
}

#[test]
fn who_is_not_logged_in_does_not_get_through() {
    for site in Site::all() {
        let (session, _) = site.sign_up();
        site.confirm();
        let fields = [("name", "CI"), ("packages", "*"), ("may", "publish")];
        let made = post("/account/tokens", &fields).with("Cookie", &session);
        let made: Value = serde_json::from_str(&site.registry.send(&made).body).unwrap();
        let token = made["token"].as_str().expect("a token");
        let ended = site.registry.log_in(ADA, PASSWORD).session();
        let logout = request("POST", "/auth/logout").with("Cookie", &ended);
        site.registry.send(&logout).assert_done("Logout successful");

        let strangers = [
            get(PATH),
            get(PATH).with("Cookie", "uuid=936da01f-9abd-4d9d-80c7-02af85c822a8"),
            get(PATH).with("Cookie", ended),
            get(PATH).with("Authorization", format!("Bearer {token}")),
        ];
        for stranger in strangers.into_iter().chain(forgeries(PATH)) {
            let refused = site.proxy.send(&stranger);
            refused.assert_refused(401, "Log in first", None);
            let led = site.proxy.send(&stranger.by_browser());
            let login = "/auth/login?next=/stats/%3Fof%3Dstdlib%26by%3Dday";
            led.assert_leads_to(&format!("{PUBLIC_URL}{login}"));
        }
        assert_nobody_got_through(&site.service);
    }
}

#[test]
fn a_login_leads_back_to_the_service() {
    for site in Site::all() {
        site.sign_up();
        let led = site.proxy.send(&get(PATH).by_browser());
        let path = led.header("location").strip_prefix(PUBLIC_URL);
        let page = site.proxy.send(&get(path.unwrap()).by_browser());
        page.assert_page(200, r#"value="/stats/?of=stdlib&amp;by=day""#);
        let fields = [("email", ADA), ("password", PASSWORD), ("next", PATH)];
        let login = site.proxy.send(&post("/auth/login", &fields).by_browser());
        login.assert_leads_to(PATH);
        let back = get(login.header("location")).by_browser();
        let back = back.with("Cookie", login.session());
        assert_eq!(site.proxy.send(&back).status, 200);
    }
}

#[test]
fn nobody_gets_through_while_the_registry_is_down() {
    for site in Site::all() {
        let (session, _) = site.sign_up();
        let Site {
            registry,
            proxy,
            service,
        } = site;
        registry.stop();
        for request in [get(PATH), get(PATH).by_browser()] {
            let answer = proxy.send(&request.with("Cookie", &session));
            assert!([500, 502].contains(&answer.status), "{}", answer.status);
        }
        assert_nobody_got_through(&service);
    }
}
