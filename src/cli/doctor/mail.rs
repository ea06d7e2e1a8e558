//! Looks at the mail server, and sends a test mail if that is asked for.

use super::finding::Finding;
use crate::{
    accounts::email::Email,
    server::{
        mail::{
            LettreMailer,
            smtp::{SmtpServer, Step},
        },
        owner::other_owner,
        settings::Settings,
    },
};

const MAIL: &str = "mail";
const TEST_MAIL: &str = "test mail";

/// Looks at the mail server, and sends a test mail to `send_to`.
pub async fn look(settings: &Settings, send_to: Option<&Email>) -> Vec<Finding> {
    let server = look_at_server(settings).await;
    let test_mail = match send_to {
        Some(to) if !server.is_wrong() => Some(send(settings, to).await),
        _ => None,
    };
    [server].into_iter().chain(test_mail).collect()
}

async fn look_at_server(settings: &Settings) -> Finding {
    let Some(url) = &settings.smtp_url else {
        let found = "SMTP_URL is unset, so that mails become files in DATA_DIR/outbox";
        return Finding::warning(MAIL, found, "name your mail server in it");
    };
    let server = match SmtpServer::parse(url) {
        Ok(server) => server,
        Err(setting) => return Finding::wrong_setting(MAIL, &setting),
    };
    match server.check().await {
        Ok(()) => ready(&server),
        Err(error) => {
            let found = format!("{}: {error}", server.describe());
            Finding::wrong(MAIL, found, remedy(error.step))
        }
    }
}

fn ready(server: &SmtpServer) -> Finding {
    let found = format!("{} takes mail", server.describe());
    match server.is_readable_on_the_way() {
        true => Finding::warning(
            MAIL,
            format!("{found}, and links in it can be read on the way"),
            "write smtps:// or ?tls=required in SMTP_URL",
        ),
        false => Finding::ok(MAIL, found),
    }
}

fn remedy(step: Step) -> &'static str {
    match step {
        Step::Connect => {
            "correct host and port in SMTP_URL, or see whether the mail server runs and no firewall is between"
        }
        Step::Encrypt => {
            "write smtps:// or ?tls=required as the mail server offers, and its name as in its certificate, which this machine has to trust"
        }
        Step::LogIn => {
            "correct user and password in SMTP_URL, with special characters percent-encoded"
        }
    }
}

async fn send(settings: &Settings, to: &Email) -> Finding {
    if settings.smtp_url.is_none()
        && let Some(owner) = other_owner(&settings.data_dir)
    {
        return Finding::warning(
            TEST_MAIL,
            format!(
                "mails become files in DATA_DIR, which belongs to the user {owner}: none was written"
            ),
            "set SMTP_URL, or run this as that user",
        );
    }
    let mailer = match LettreMailer::open(settings) {
        Ok(mailer) => mailer,
        Err(setting) => return Finding::wrong_setting(TEST_MAIL, &setting),
    };
    match mailer.send_test(to).await {
        Ok(None) => Finding::ok(TEST_MAIL, "it was accepted; see whether it arrives"),
        Ok(Some(file)) => {
            let found = format!("it is in {}, and was sent to nobody", file.display());
            Finding::ok(TEST_MAIL, found)
        }
        Err(error) => Finding::wrong(
            TEST_MAIL,
            error.to_string(),
            "let the mail server accept mail from MAIL_FROM to this address",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_without_tls_should_stay_on_this_machine() {
        for (url, line) in [
            (
                "smtp://localhost",
                "ok       mail         unencrypted SMTP at localhost:25 takes mail",
            ),
            (
                "smtps://mail.example.org",
                "ok       mail         SMTP with TLS at mail.example.org:465 takes mail",
            ),
            (
                "smtp://mail.example.org",
                "warning  mail         unencrypted SMTP at mail.example.org:25 takes mail, and links in it can be read on the way; write smtps:// or ?tls=required in SMTP_URL",
            ),
        ] {
            assert_eq!(ready(&SmtpServer::parse(url).unwrap()).to_string(), line);
        }
    }
}
