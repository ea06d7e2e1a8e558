//! Mails kept in memory, for tests.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// How long a test waits for a mail.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps mails instead of sending them; every clone is the same inbox.
#[derive(Clone, Default)]
pub struct Inbox(Arc<watch::Sender<Vec<KeptMail>>>);

/// A mail that was kept.
#[derive(Debug, Clone)]
pub struct KeptMail {
    /// The address it went to.
    pub to: String,
    /// Its subject.
    pub subject: &'static str,
    /// Its text part.
    pub text: String,
    /// The whole mail as a server would get it.
    pub raw: String,
}

impl Inbox {
    /// Takes the oldest mail to this address, waiting for one up to ten seconds.
    pub async fn next(&self, to: &str) -> Option<KeptMail> {
        let mut news = self.0.subscribe();
        let arrival = async {
            loop {
                if let Some(mail) = self.take(to) {
                    return Some(mail);
                }
                news.changed().await.ok()?;
            }
        };
        tokio::time::timeout(PATIENCE, arrival).await.ok()?
    }

    /// Takes the oldest mail to this address, if there is one now.
    pub fn take(&self, to: &str) -> Option<KeptMail> {
        let mut taken = None;
        self.0.send_if_modified(|mails| {
            let place = mails.iter().position(|mail| mail.to == to);
            taken = place.map(|place| mails.remove(place));
            false
        });
        taken
    }

    pub(super) fn put(&self, mail: KeptMail) {
        self.0.send_modify(|mails| mails.push(mail));
    }
}

impl KeptMail {
    /// The link in the mail.
    pub fn link(&self) -> Option<&str> {
        self.text.lines().find(|line| line.starts_with("http"))
    }

    /// The uuid in the link.
    pub fn uuid(&self) -> Option<&str> {
        let (_, uuid) = self.link()?.split_once("?uuid=")?;
        Some(uuid)
    }
}
