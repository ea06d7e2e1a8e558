//! Sends mail with lettre: to an SMTP server, to files, or to memory for tests.
//!
//! # Layout
//! - [`smtp`]: the server that `SMTP_URL` names; `connection`: to it
//! - [`folder`]: mails as `.eml` files in `DATA_DIR/outbox`
//! - [`memory`]: mails in memory, for tests
//! - `letters`: the texts of the mails, a file each

mod connection;
pub mod folder;
mod letters;
pub mod memory;
pub mod smtp;

use std::path::PathBuf;

use async_trait::async_trait;
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, HeaderName, HeaderValue},
    },
};
use url::Url;

use self::{
    folder::Folder,
    letters::{layout::Letter, letter, test_mail},
    memory::{Inbox, ReceivedMail},
    smtp::SmtpServer,
};
use super::settings::{Settings, WrongSetting};
use crate::accounts::{
    email::Email,
    mail::{Mail, MailError, MailId, Mailer},
};

/// The longest line of a mail, in bytes (RFC 5322, 2.1.1).
const MAX_LINE: usize = 998;

/// The sender of all mails, from `MAIL_FROM`.
#[derive(Debug, Clone)]
pub struct Sender(Mailbox);

impl Sender {
    /// Reads an address with or without a name. The address must be ASCII, since not every server accepts others.
    pub fn parse(text: &str) -> Result<Self, WrongSetting> {
        match text.parse::<Mailbox>() {
            Ok(mailbox) if is_plain(&mailbox.email) && !text.contains(char::is_control) => {
                Ok(Self(mailbox))
            }
            _ => Err(WrongSetting::new(
                "MAIL_FROM must be an email address such as fpm-registry <noreply@example.org>",
            )),
        }
    }
}

/// The transport of mails.
pub enum Transport {
    /// To an SMTP server.
    Smtp(SmtpServer),
    /// To files in a folder.
    Folder(Folder),
    /// To memory, for tests.
    Memory(Inbox),
}

impl Transport {
    /// A description for the log at start.
    pub fn describe(&self) -> String {
        match self {
            Self::Smtp(server) => server.describe(),
            Self::Folder(folder) => folder.describe(),
            Self::Memory(_) => "in memory".to_owned(),
        }
    }
}

/// Writes mails and sends them by a [`Transport`].
pub struct LettreMailer {
    public_url: Url,
    from: Sender,
    transport: Transport,
}

impl LettreMailer {
    /// The mailer the settings ask for.
    pub fn open(settings: &Settings) -> Result<Self, WrongSetting> {
        let transport = match &settings.smtp_url {
            Some(url) => Transport::Smtp(SmtpServer::parse(url)?),
            None => Transport::Folder(Folder::open(&settings.data_dir)?),
        };
        let from = Sender::parse(&settings.mail_from)?;
        Ok(Self::new(settings.public_url.as_url(), from, transport))
    }

    /// A mailer whose links begin with the origin of `public_url`.
    pub fn new(public_url: &Url, from: Sender, transport: Transport) -> Self {
        Self {
            public_url: public_url.clone(),
            from,
            transport,
        }
    }

    /// A description for the log at start.
    pub fn describe(&self) -> String {
        self.transport.describe()
    }

    /// Sends a mail that says that it is a test. The file that it became, if mails become files.
    pub async fn send_test(&self, to: &Email) -> Result<Option<PathBuf>, MailError> {
        self.deliver(MailId::random(), to, &test_mail::letter())
            .await
    }

    async fn deliver(
        &self,
        id: MailId,
        to: &Email,
        letter: &Letter,
    ) -> Result<Option<PathBuf>, MailError> {
        let message = self.message(id, to, letter)?;
        match &self.transport {
            Transport::Smtp(server) => server.send(&message).await.map(|()| None),
            Transport::Folder(folder) => folder.write(id, message.formatted()).await.map(Some),
            Transport::Memory(inbox) => {
                inbox.put(ReceivedMail {
                    to: to.as_str().to_owned(),
                    subject: letter.subject,
                    text: letter.text(),
                    raw: String::from_utf8_lossy(&message.formatted()).into_owned(),
                });
                Ok(None)
            }
        }
    }

    fn message(&self, id: MailId, to: &Email, letter: &Letter) -> Result<Message, MailError> {
        let Sender(from) = &self.from;
        let to: Address = to.as_str().parse().map_err(unwritable)?;
        Message::builder()
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .from(from.clone())
            .to(to.into())
            .subject(letter.subject)
            .raw_header(auto_submitted())
            .multipart(
                MultiPart::alternative()
                    .singlepart(SinglePart::plain(seven_bit(&letter.text())?))
                    .singlepart(SinglePart::html(seven_bit(&letter.html())?)),
            )
            .map_err(unwritable)
    }
}

#[async_trait]
impl Mailer for LettreMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let letter = letter(&mail.letter, &self.public_url);
        self.deliver(mail.id, &mail.to, &letter).await.map(drop)
    }
}

fn is_plain(address: &Address) -> bool {
    address.user().is_ascii() && address.domain().is_ascii()
}

/// Marks a mail as sent by a program, so that auto-responders do not answer it (RFC 3834).
fn auto_submitted() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

/// A text body without transfer encoding, so that links stay whole when the file of a mail is read.
///
/// lettre would encode text with lines over 76 characters, as links are. The protocol allows 998.
fn seven_bit(text: &str) -> Result<Body, MailError> {
    if !text.is_ascii() || text.lines().any(|line| line.len() > MAX_LINE) {
        return Err(unwritable("its text is not lines of ASCII"));
    }
    let lines = text.replace('\n', "\r\n").into_bytes();
    Ok(Body::dangerous_pre_encoded(
        lines,
        ContentTransferEncoding::SevenBit,
    ))
}

fn unwritable(cause: impl std::fmt::Display) -> MailError {
    MailError::Permanent(format!("the mail cannot be written: {cause}"))
}
