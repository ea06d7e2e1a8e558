//! What arrives at the server of a request to `PUBLIC_URL`; a real proxy is looked at in `tests/deploy/`.

use std::net::{SocketAddr, TcpListener};

use crate::{
    examine,
    front::Front,
    socket::{Setup, get, try_send},
};

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A server without a proxy.
fn alone(trusted: &str) -> Setup {
    let address = free_address().to_string();
    Setup::new()
        .with("LEPTOS_SITE_ADDR", &address)
        .with("PUBLIC_URL", &format!("http://{address}"))
        .with("TRUSTED_PROXIES", trusted)
}

#[test]
fn a_server_without_a_proxy_believes_nobody() {
    let setup = alone("");
    let registry = setup.start();
    let examined = examine(&setup, &[]);
    examined
        .assert_line("ok       proxy        none is trusted, and no X-Forwarded-For is believed");
    let (_, log) = registry.terminate();
    assert!(!log.contains("192.0.2.66"), "{log}");
}

#[test]
fn a_client_whose_claims_are_believed_is_wrong() {
    let setup = alone("127.0.0.0/8");
    let _registry = setup.start();
    let examined = examine(&setup, &[]);
    let line = examined
        .lines
        .lines()
        .find(|line| line.starts_with("wrong    proxy"));
    let line = line.unwrap();
    assert!(
        line.contains("a client counts for the address that it claims in X-Forwarded-For"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_of_another_server_is_wrong() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let front = Front::start(None, answer).await;
    let setup = Setup::new().with("PUBLIC_URL", &format!("http://127.0.0.1:{}", front.port));
    let _registry = setup.start();
    examine(&setup, &[]).assert_line(
        "wrong    proxy        a request to PUBLIC_URL does not arrive at this server; have it pass requests on to 127.0.0.1:0; if it serves several servers, look again",
    );
}

#[test]
fn a_stranger_who_sends_a_mark_is_answered_as_ever() {
    let registry = Setup::new().start();
    let mark = "936da01f-9abd-4d9d-80c7-02af85c822a8";
    let plain = get("/health/live");
    let marked = plain.clone().with("X-Registry-Probe", mark);
    let [plain, marked] = [plain, marked].map(|request| {
        let mut answer = try_send(registry.address, &request).unwrap();
        let differs = ["date", "x-request-id"];
        answer
            .headers
            .retain(|(name, _)| !differs.contains(&name.as_str()));
        answer
    });
    assert_eq!(plain, marked);
}
