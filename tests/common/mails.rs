//! Mails as tests wait for them, and users whose address is confirmed.

use fpm_registry::server::mail::memory::ReceivedMail;

use super::{Client, Kind, PASSWORD, Registry};

/// Where the links of mails lead.
pub const RESET: &str = "/auth/reset-password";
pub const CONFIRM: &str = "/auth/confirm-email";
pub const NOT_ME: &str = "/auth/not-me";

/// What security mails are called.
pub const NEW_DEVICE: &str = "New device logged in to your fpm-registry account";
pub const PASSWORD_CHANGED: &str = "Your fpm-registry password was changed";
pub const EMAIL_CHANGED: &str = "The email of your fpm-registry account was changed";

impl Registry {
    /// The uuid of the next mail to `email` whose link leads to `page`; other mails on the way are passed over.
    pub async fn mailed_link(&self, email: &str, page: &str) -> String {
        loop {
            let mail = self.inbox.next(email).await.expect("a mail arrives");
            if let Some(uuid) = link_to(&mail, page) {
                return uuid;
            }
        }
    }

    /// The next mail of this subject to `email`; other mails on the way are passed over.
    pub async fn mail(&self, email: &str, subject: &str) -> ReceivedMail {
        loop {
            let mail = self.inbox.next(email).await.expect("a mail arrives");
            if mail.subject == subject {
                return mail;
            }
        }
    }

    /// The uuid of the next reset link mailed to `email`.
    pub async fn mailed_uuid(&self, email: &str) -> String {
        self.mailed_link(email, RESET).await
    }

    /// Asks for a reset link and takes its uuid out of the mail.
    pub async fn reset_uuid(&self, email: &str) -> String {
        let answer = self
            .program()
            .post("/auth/forgot-password", &[("email", email)])
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.mailed_uuid(email).await
    }

    /// All mails to `email` that were asked for so far.
    pub async fn mails_to(&self, email: &str) -> Vec<ReceivedMail> {
        // Mails are sent in order: behind this one there is none of them left.
        let last = format!("{}@last.example", uuid::Uuid::new_v4().simple());
        self.add_user(&last).await;
        self.mailed_link(&last, CONFIRM).await;
        std::iter::from_fn(|| self.inbox.take(email)).collect()
    }

    /// The subjects of all mails to `email` that were asked for so far.
    pub async fn subjects_to(&self, email: &str) -> Vec<&'static str> {
        let mails = self.mails_to(email).await;
        mails.iter().map(|mail| mail.subject).collect()
    }

    /// A client that has just signed up, with [`PASSWORD`].
    pub async fn signed_up(&self, kind: Kind, email: &str) -> Client<'_> {
        let client = self.client(kind);
        let fields = [
            ("name", "Ada Lovelace"),
            ("email", email),
            ("password", PASSWORD),
        ];
        let answer = client.post("/auth/signup", &fields).await;
        answer.assert_done(kind, "Signup successful", "/");
        client
    }

    /// The same, and the address is confirmed.
    pub async fn confirmed(&self, kind: Kind, email: &str) -> Client<'_> {
        let client = self.signed_up(kind, email).await;
        let uuid = self.mailed_link(email, CONFIRM).await;
        let answer = client.post(CONFIRM, &[("uuid", &uuid)]).await;
        answer.assert_done(kind, "Email confirmed", "/account?notice=email-confirmed");
        client
    }
}

/// The uuid in the link of a mail, if it leads to `page`.
pub fn link_to(mail: &ReceivedMail, page: &str) -> Option<String> {
    let (start, uuid) = mail.link()?.split_once("?uuid=")?;
    start.ends_with(page).then(|| uuid.to_owned())
}
