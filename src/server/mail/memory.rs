//! Mails in memory, for tests.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// How long a test waits for a mail.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Collects mails instead of sending them. Every clone is the same inbox.
#[derive(Clone, Default)]
pub struct Inbox(Arc<watch::Sender<Vec<ReceivedMail>>>);

/// A mail in the inbox.
#[derive(Debug, Clone)]
pub struct ReceivedMail {
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
    /// Removes and returns the oldest mail to this address. Waits for one up to ten seconds.
    pub async fn next(&self, to: &str) -> Option<ReceivedMail> {
        let mut news = self.0.subscribe();
        let arrival = async {
            loop {
                if let Some(mail) = self.take(to) {
                    return Some(mail);
                }
                news.changed().await.ok()?;
            }
        };
        tokio::time::timeout(TIMEOUT, arrival).await.ok()?
    }

    /// Removes and returns the oldest mail to this address, if there is one now.
    pub fn take(&self, to: &str) -> Option<ReceivedMail> {
        let mut taken = None;
        self.0.send_if_modified(|mails| {
            let position = mails.iter().position(|mail| mail.to == to);
            taken = position.map(|position| mails.remove(position));
            false
        });
        taken
    }

    pub(super) fn put(&self, mail: ReceivedMail) {
        self.0.send_modify(|mails| mails.push(mail));
    }
}

impl ReceivedMail {
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
