//! The settings: where mail goes, and whom it is from.

use fpm_registry::server::mail::{Sender, Transport, smtp::SmtpServer as Settings};

#[test]
fn a_good_smtp_url_says_where_mail_goes() {
    for (url, description) in [
        (
            "smtps://mail.example.org",
            "SMTP with TLS at mail.example.org:465",
        ),
        (
            "smtps://u:p@mail.example.org:4465/",
            "SMTP with TLS at mail.example.org:4465",
        ),
        (
            "smtps://mail.example.org?tls=required",
            "SMTP with TLS at mail.example.org:465",
        ),
        (
            "smtps://[2001:db8::1]",
            "SMTP with TLS at [2001:db8::1]:465",
        ),
        (
            "smtp://u:p@mail.example.org:587?tls=required",
            "SMTP with STARTTLS at mail.example.org:587",
        ),
        (
            "smtp://Mail.Example.org?tls=required",
            "SMTP with STARTTLS at mail.example.org:587",
        ),
        (
            "smtp://mail.example.org",
            "unencrypted SMTP at mail.example.org:25",
        ),
        (
            "smtp://u:p@localhost:1025",
            "unencrypted SMTP at localhost:1025",
        ),
        ("smtp://u:p@127.8.9.1", "unencrypted SMTP at 127.8.9.1:25"),
        ("smtp://u:p@[::1]:2525", "unencrypted SMTP at [::1]:2525"),
    ] {
        let settings = Settings::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(format!("{settings:?}"), description);
        assert_eq!(Transport::Smtp(settings).describe(), description);
    }
}

#[test]
fn a_bad_smtp_url_is_one_sentence_without_the_password() {
    for (url, hint) in [
        ("", "must be a URL"),
        ("mail.example.org", "must be a URL"),
        ("mail.example.org:25", "must"),
        ("https://u:s3cret@mail.example.org", "must begin with"),
        ("smtp:mail.example.org", "must"),
        ("smtp://", "must name a host"),
        ("smtps://u:s3cret@", "must"),
        ("smtp://u:s3cret@:25", "must"),
        ("smtps://u:s3/cret@mail.example.org", "percent-encoded"),
        ("smtps://u:s3#cret@mail.example.org", "percent-encoded"),
        ("smtps://u:s3?cret@mail.example.org", "percent-encoded"),
        (
            "smtps://mail.example.org/s3cret",
            "must end after host and port",
        ),
        ("smtps://u:s3cret@mail.example.org:99999", "must be a URL"),
        ("smtps://u:s3cret@mail.example.org:0", "port 0"),
        ("smtps://u:s3cret@mail%20example.org", "must name a host"),
        (
            "smtp://u:s3cret@mail.example.org?tls=opportunistic",
            "tls=opportunistic",
        ),
        (
            "smtp://u:s3cret@mail.example.org?tls=none",
            "no parameter but tls=required",
        ),
        (
            "smtps://mail.example.org?tls=none",
            "no parameter but tls=required",
        ),
        (
            "smtp://mail.example.org?tls=required&tls=opportunistic",
            "no parameter but",
        ),
        ("smtp://u:s3cret@mail.example.org", "unencrypted"),
        ("smtp://u:s3cret@128.0.0.1", "unencrypted"),
        ("smtp://u:s3cret@localhost.example.org", "unencrypted"),
        ("smtp://u:s3cret@[::2]", "unencrypted"),
        ("smtps://:s3cret@mail.example.org", "a user"),
        ("smtps://u@mail.example.org", "a password"),
        ("smtps://u:@mail.example.org", "a password"),
        ("smtps://u:s3cret%FF@mail.example.org", "UTF-8"),
    ] {
        let error = Settings::parse(url)
            .err()
            .unwrap_or_else(|| panic!("accepted: {url}"));
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().starts_with("SMTP_URL "), "{url}: {shown}");
        assert!(error.to_string().contains(hint), "{url}: {shown}");
        assert!(
            !shown.contains("s3") && !shown.contains('\n'),
            "{url}: {shown}"
        );
    }
}

#[test]
fn mail_from_is_one_plain_address() {
    for good in [
        "fpm-registry <noreply@localhost>",
        "a@b.org",
        "\"Die Å, GmbH\" <a@b.org>",
    ] {
        assert!(Sender::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "noreply",
        "a@b.org, c@d.org",
        "a@b.org junk",
        "A <a@b.org",
        "A\r\nBcc: x@y.org <a@b.org>",
        "\"A\r\nBcc: x@y.org\" <a@b.org>",
        "a@bücher.example",
        "å@b.org",
    ] {
        let error = Sender::parse(bad)
            .err()
            .unwrap_or_else(|| panic!("accepted: {bad:?}"));
        assert!(
            error.to_string().starts_with("MAIL_FROM must be"),
            "{error}"
        );
    }
}
