//! Where a request ends: chunks, lengths that lie, and smuggled requests.

use std::{io::Write, net::Shutdown, time::Instant};

use crate::{
    LARGE, SECOND, UNREADABLE, WRONG,
    socket::{Answer, FORM, Registry, get, read_all},
    statuses,
};

/// F6: a body in chunks counts as any other, and one that never ends or cannot be read is refused.
#[test]
fn bodies_in_chunks_are_read_within_the_same_limits() {
    let registry = Registry::start();
    let send = |body: &[u8]| {
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        Answer::parse(&registry.exchange(&[head.as_bytes(), body].concat()))
    };
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let whole = chunk("email=jo") + &chunk("hn&password=doe") + "0\r\n\r\n";
    send(whole.as_bytes()).assert_refused(401, WRONG, None);
    let trailer = chunk("email=john&password=doe") + "0\r\nCookie: uuid=x\r\n\r\n";
    send(trailer.as_bytes()).assert_refused(401, WRONG, None);
    for large in [
        chunk("a").repeat(17 * 1024),
        chunk(&"a".repeat(17 * 1024)),
        chunk(&"a".repeat(1024)).repeat(1024),
    ] {
        send(large.as_bytes()).assert_refused(413, LARGE, None);
    }
    for broken in [
        "zz\r\na\r\n0\r\n\r\n".to_owned(),
        "-1\r\na\r\n0\r\n\r\n".to_owned(),
        "fffffffffffffffff\r\na\r\n0\r\n\r\n".to_owned(),
        "1\r\nab\r\n0\r\n\r\n".to_owned(),
        format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(64 * 1024)),
        chunk("a") + "0\r\n" + &"X-Filler: a\r\n".repeat(10_000) + "\r\n",
    ] {
        send(broken.as_bytes()).assert_refused(400, UNREADABLE, None);
    }
}

/// ASVS 4.2.1, F6: a length that is not the body's is never waited for once the client is gone, and one
/// that is no number is refused.
#[test]
fn lengths_that_lie_are_refused() {
    let registry = Registry::start();
    let head = |length: &str| {
        format!(
            "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    for length in [
        "-1",
        "+7",
        "0x7",
        "7, 7",
        "7 7",
        "99999999999999999999",
        "seven",
    ] {
        assert_bare_400(&registry.exchange((head(length) + "email=a").as_bytes()));
    }
    let mut stream = registry.connect();
    stream
        .write_all((head("100") + "email=a").as_bytes())
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let started = Instant::now();
    let answer = Answer::parse(&read_all(&mut stream));
    answer.assert_refused(400, UNREADABLE, None);
    assert!(started.elapsed() < 5 * SECOND);
    // What is past the length is another request, here one that cannot be read.
    let all = registry.exchange((head("7") + "email=a&password=x").as_bytes());
    assert_eq!(statuses(&all), [400, 400]);
}

/// The answer to what is no HTTP: nothing but a status, and the end of the connection.
#[track_caller]
fn assert_bare_400(bytes: &[u8]) {
    let answer = Answer::parse(bytes);
    assert_eq!((answer.status, &*answer.body), (400, ""), "{answer:?}");
    assert_eq!(answer.header("connection"), "close");
}

/// ASVS 4.2.1, F21: where the end of a request is in doubt, nothing behind it is ever answered.
#[test]
fn a_request_of_doubtful_length_hides_no_other() {
    let registry = Registry::start();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    for (headers, body, status) in [
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            400,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "0\r\n\r\n",
            400,
        ),
        ("Content-Length: 0\r\nContent-Length: 35\r\n", "", 400),
        ("Content-Length: 35\r\nContent-Length: 0\r\n", "", 400),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", 400),
        (
            "Transfer-Encoding: identity\r\nContent-Length: 0\r\n",
            "",
            400,
        ),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", 400),
        (
            "Content-Length: 0\r\n Transfer-Encoding: chunked\r\n",
            "",
            400,
        ),
        ("Content-Length\r\n: 35\r\n", "", 400),
        ("X: a\rContent-Length: 35\r\n", "", 400),
    ] {
        let head = format!("POST /auth/login HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let all = registry.exchange((head + body + hidden).as_bytes());
        assert_eq!(statuses(&all), [status], "{headers}");
    }
    let old = "POST /auth/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let all = registry.exchange((old.to_owned() + hidden).as_bytes());
    assert_eq!(statuses(&all), [400]);
    // The body of a request that wants none is no request either.
    for (start, status) in [
        ("GET /auth/login", 200),
        ("DELETE /auth/login", 405),
        ("GET /nowhere", 404),
    ] {
        let length = hidden.len();
        let head = format!("{start} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let end = get("/favicon.svg").bytes();
        let all = registry.exchange(&[head.as_bytes(), hidden.as_bytes(), &end].concat());
        let answered = statuses(&all);
        assert!(
            answered == [status, 200] || answered == [status],
            "{answered:?}"
        );
    }
    // One after the other, each is answered.
    let one = "GET /auth/login HTTP/1.1\r\nHost: x\r\n\r\n".to_owned();
    let all = registry.exchange(&[one.as_bytes(), &get("/nowhere").bytes()].concat());
    assert_eq!(statuses(&all), [200, 404]);
}
