//! Bodies: which kinds are read, and which of them are refused.

use crate::{
    ADA, NO_EMAIL, RESET, UNREADABLE, WRONG,
    socket::{Answer, FORM, JSON, PARTS, PASSWORD, Registry, encode, part, post, post_as, request},
};

const NO_TYPE: &str = "Send a form or a JSON object";

/// ASVS 3.5.2, 4.1.1: a body is a form or JSON and says so, uncompressed; no body is an empty form.
#[test]
fn only_forms_and_json_are_read() {
    let registry = Registry::start();
    let form = encode(FORM, &[("email", ADA), ("password", PASSWORD)]);
    let json = encode(JSON, &[("email", ADA), ("password", PASSWORD)]);
    let send = |headers: &[(&str, &str)], body: &str| {
        let mut sent = request("POST", "/auth/login").with_body(body);
        for (name, value) in headers {
            sent = sent.with(name, value);
        }
        registry.send(&sent)
    };
    for (headers, body) in [
        (&[("Content-Type", "text/plain")][..], &form),
        (&[("Content-Type", "text/plain")], &json),
        (&[("Content-Type", "application/xml")], &json),
        (&[("Content-Type", "application/jsonp")], &json),
        (&[("Content-Type", "")], &form),
        (&[("Content-Type", "text/plain, application/json")], &json),
        (&[], &form),
        (&[], &json),
        (
            &[("Content-Type", FORM), ("Content-Encoding", "gzip")],
            &form,
        ),
        (
            &[("Content-Type", JSON), ("Content-Encoding", "identity")],
            &json,
        ),
    ] {
        send(headers, body).assert_refused(415, NO_TYPE, None);
    }
    for headers in [
        &[][..],
        &[("Content-Type", "text/plain")],
        &[("Content-Type", FORM)],
    ] {
        send(headers, "").assert_refused(400, NO_EMAIL, Some("email"));
    }
    for content_type in ["Application/JSON; charset=utf-8", JSON] {
        send(&[("Content-Type", content_type)], &json).assert_refused(401, WRONG, None);
    }
    let no_length = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = Answer::parse(&registry.exchange(no_length));
    answer.assert_refused(400, NO_EMAIL, Some("email"));
}

/// ASVS 14.2.1: a query is no place for fields of a form either.
#[test]
fn a_post_reads_no_field_from_its_address() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let path = "/auth/login?email=ada%40example.org&password=correct+horse+battery";
    registry
        .send(&post(path, &[]))
        .assert_refused(400, NO_EMAIL, Some("email"));
    let uuid = registry.reset_uuid(ADA);
    let path = format!("{RESET}?uuid={uuid}&password=plum+tractor+glow");
    registry
        .send(&post(&path, &[]))
        .assert_refused(404, "User not found", None);
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}

/// ASVS 1.5.3, 15.3.7, F7: what is not text, not whole or said twice is refused, whatever the encoding.
#[test]
fn bodies_that_say_nothing_clear_are_refused() {
    let registry = Registry::start();
    let deep = |depth: usize| format!("{{\"x\":{}", "[".repeat(depth));
    let email_of = |bytes: &[u8]| {
        let start = part("email", "");
        [
            start.trim_end_matches("\r\n").as_bytes(),
            b"\r\n\r\n",
            bytes,
            b"\r\n--frontier--\r\n",
        ]
        .concat()
    };
    let twice = part("email", "a") + &part("email", "a") + "--frontier--\r\n";
    let file = part("email\"; filename=\"f", "a") + "--frontier--\r\n";
    let repeated = "A field is given more than once";
    let no_text = "A field is not text";
    for (content_type, body, message) in [
        (JSON, deep(10_000).into_bytes(), UNREADABLE),
        (JSON, b"".to_vec(), NO_EMAIL),
        (JSON, b"{".to_vec(), UNREADABLE),
        (JSON, b"[]".to_vec(), UNREADABLE),
        (JSON, b"null".to_vec(), UNREADABLE),
        (JSON, b"{} {}".to_vec(), UNREADABLE),
        (JSON, b"\xef\xbb\xbf{}".to_vec(), UNREADABLE),
        (JSON, b"{\"email\":\"\xff\"}".to_vec(), UNREADABLE),
        (JSON, b"{\"email\":\"\\ud800\"}".to_vec(), UNREADABLE),
        (JSON, b"{\"email\":\"\xed\xa0\x80\"}".to_vec(), UNREADABLE),
        (
            JSON,
            b"{\"email\":\"a\",\"email\":\"a\"}".to_vec(),
            repeated,
        ),
        (
            JSON,
            b"{\"email\":\"a\",\"\\u0065mail\":\"a\"}".to_vec(),
            repeated,
        ),
        (JSON, b"{\"email\":null}".to_vec(), no_text),
        (JSON, b"{\"email\":1}".to_vec(), no_text),
        (JSON, b"{\"email\":[\"a\"]}".to_vec(), no_text),
        (FORM, b"email=\xff".to_vec(), UNREADABLE),
        (FORM, b"email=%ff".to_vec(), UNREADABLE),
        (FORM, b"email=%C0%AF".to_vec(), UNREADABLE),
        (FORM, b"email=%ED%A0%80".to_vec(), UNREADABLE),
        (FORM, b"email=%zz".to_vec(), UNREADABLE),
        (FORM, b"email=%".to_vec(), UNREADABLE),
        (FORM, b"\xef\xbb\xbfemail=a".to_vec(), NO_EMAIL),
        (FORM, b"email=a&email=a".to_vec(), repeated),
        (FORM, b"email=a&%65mail=a".to_vec(), repeated),
        (PARTS, email_of(b"\xff"), UNREADABLE),
        (PARTS, b"--frontier\r\n".to_vec(), UNREADABLE),
        (PARTS, b"no boundary".to_vec(), UNREADABLE),
        (PARTS, part("email", "a").into_bytes(), UNREADABLE),
        (PARTS, twice.into_bytes(), repeated),
        (PARTS, file.into_bytes(), no_text),
        ("multipart/form-data", b"--x--".to_vec(), UNREADABLE),
    ] {
        let sent = post_as(content_type, "/auth/login", &[]).with_body(body.clone());
        let field = (message == NO_EMAIL).then_some("email");
        registry.send(&sent).assert_refused(400, message, field);
        registry.send(&sent.by_browser()).assert_page(400, message);
    }
    for content_type in [FORM, PARTS, JSON] {
        let sent = post_as(
            content_type,
            "/auth/login",
            &[("email", "a\0b"), ("password", "x")],
        );
        registry.send(&sent).assert_refused(401, WRONG, None);
        for (name, email, message, field) in [
            (
                "A\0da",
                ADA,
                "Name must not contain line breaks or control characters",
                "name",
            ),
            (
                "Ada",
                "a\0da@example.org",
                "Enter a valid email address",
                "email",
            ),
        ] {
            let fields = [("name", name), ("email", email), ("password", PASSWORD)];
            let answer = registry.send(&post_as(content_type, "/auth/signup", &fields));
            answer.assert_refused(400, message, Some(field));
        }
    }
}
