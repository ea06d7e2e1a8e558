//! The SMTP server that `SMTP_URL` names.

use std::{error::Error, fmt, io, time::Duration};

use lettre::{
    Message,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, rustls};
use url::{Host, Url};

use super::connection::Bounded;
use crate::accounts::mail::MailError;
use crate::server::{settings::WrongSetting, tls};

/// How long connecting, TLS and login may take.
const SETUP_TIMEOUT: Duration = Duration::from_secs(15);
/// How long sending may take. Together with the setup it ends before the outbox's lease of a minute.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait for the answer to `QUIT`.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);
/// The status for mail from a client that did not authenticate (RFC 4954).
const LOGIN_REQUIRED: u16 = 530;

/// A mail server, and how to connect to it.
pub struct SmtpServer {
    host: Host<String>,
    port: u16,
    security: Security,
    login: Option<Credentials>,
}

/// What a mail server was asked for when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To answer.
    Connect,
    /// To speak TLS.
    Encrypt,
    /// To accept user and password.
    LogIn,
}

/// Why a mail server is not ready for mail. The text contains no address.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct NotReady {
    /// What it was asked for.
    pub step: Step,
    reason: String,
}

enum Security {
    Tls(TlsConnector),
    StartTls(TlsParameters),
    Plain,
}

impl SmtpServer {
    /// Reads `SMTP_URL`. Does not connect.
    ///
    /// `smtps://` is TLS from the first byte (port 465), `smtp://…?tls=required` TLS by STARTTLS or no mail at
    /// all (587), and plain `smtp://` (25) is refused with a password unless the host is this machine. User
    /// and password are percent-encoded. No form falls back to plain text.
    pub fn parse(text: &str) -> Result<Self, WrongSetting> {
        let url = Url::parse(text).map_err(|_| {
            WrongSetting::new(
                "SMTP_URL must be a URL such as smtps://user:password@mail.example.org, special characters percent-encoded",
            )
        })?;
        let host = host(&url)?;
        let security = Security::read(&url, &host)?;
        let login = login(&url)?;
        let port = match url.port() {
            Some(0) => return Err(WrongSetting::new("SMTP_URL cannot have port 0")),
            Some(port) => port,
            None => security.default_port(),
        };
        let server = Self {
            host,
            port,
            security,
            login,
        };
        match server.login.is_some() && server.is_readable_on_the_way() {
            true => Err(WrongSetting::new(
                "SMTP_URL would send the password unencrypted: use smtps:// or add ?tls=required",
            )),
            false => Ok(server),
        }
    }

    /// Whether mail goes to another machine without TLS.
    pub fn is_readable_on_the_way(&self) -> bool {
        matches!(self.security, Security::Plain) && !is_loopback(&self.host)
    }

    /// How it is connected to, without user and password.
    pub fn describe(&self) -> String {
        format!("{} at {}:{}", self.security.name(), self.host, self.port)
    }

    /// Sends a mail on a connection of its own: one that was interrupted must not be reused.
    pub(super) async fn send(&self, message: &Message) -> Result<(), MailError> {
        let mut connection = match timeout(SETUP_TIMEOUT, self.open()).await {
            Ok(Ok(connection)) => connection,
            // Even if the server refuses permanently, for example the password, the mail itself is not at fault.
            Ok(Err(error)) => return Err(MailError::Temporary(error.reason)),
            Err(_) => return Err(timed_out("to be ready for mail", SETUP_TIMEOUT)),
        };
        let content = message.formatted();
        let sending = connection.send(message.envelope(), &content);
        match timeout(SEND_TIMEOUT, sending).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if is_permanent(&error) => {
                return Err(MailError::Permanent(reason(&error)));
            }
            Ok(Err(error)) => return Err(MailError::Temporary(reason(&error))),
            Err(_) => return Err(timed_out("to take the mail", SEND_TIMEOUT)),
        }
        // In the background, so that the mail leaves the outbox at once: until then, a crash would send it again.
        tokio::spawn(async move { timeout(QUIT_TIMEOUT, connection.quit()).await });
        Ok(())
    }

    /// Connects and logs in, and sends nothing.
    pub async fn check(&self) -> Result<(), NotReady> {
        let mut connection = self.open().await?;
        let _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, NotReady> {
        let me = ClientId::default();
        let host = host_text(&self.host);
        let stream = Bounded::connect(&host, self.port).await;
        let stream = stream.map_err(|error| not_connected(&error))?;
        let stream: Box<dyn AsyncTokioStream> = match &self.security {
            Security::Tls(tls) => {
                let encrypted = stream.encrypt(tls, &host).await;
                Box::new(encrypted.map_err(|error| not_connected(&error))?)
            }
            Security::StartTls(_) | Security::Plain => Box::new(stream),
        };
        let connection = AsyncSmtpConnection::connect_with_transport(stream, &me).await;
        let mut connection = connection.map_err(|error| not_ready(Step::Connect, &error))?;
        if let Security::StartTls(tls) = &self.security {
            let encrypted = connection.starttls(tls.clone(), &me).await;
            encrypted.map_err(|error| not_ready(Step::Encrypt, &error))?;
        }
        if let Some(login) = &self.login {
            let logged_in = connection.auth(DEFAULT_MECHANISMS, login).await;
            logged_in.map_err(|error| not_ready(Step::LogIn, &error))?;
        }
        Ok(connection)
    }
}

/// In the words of lettre, as where it encrypts a connection that is there.
fn not_connected(error: &io::Error) -> NotReady {
    let is_of_tls = error
        .get_ref()
        .is_some_and(|cause| cause.is::<rustls::Error>());
    NotReady {
        step: match is_of_tls {
            true => Step::Encrypt,
            false => Step::Connect,
        },
        reason: format!("Connection error: {error}"),
    }
}

fn not_ready(step: Step, error: &SmtpError) -> NotReady {
    NotReady {
        step,
        reason: reason(error),
    }
}

/// Without user and password.
impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Security {
    fn read(url: &Url, host: &Host<String>) -> Result<Self, WrongSetting> {
        match (url.scheme(), url.query()) {
            ("smtps", None | Some("tls=required")) => Ok(Self::Tls(tls()?)),
            ("smtp", Some("tls=required")) => Ok(Self::StartTls(starttls(host)?)),
            ("smtp", None) => Ok(Self::Plain),
            ("smtp" | "smtps", Some("tls=opportunistic")) => Err(WrongSetting::new(
                "SMTP_URL cannot have tls=opportunistic, which may send mail unencrypted: use tls=required",
            )),
            ("smtp" | "smtps", Some(_)) => Err(WrongSetting::new(
                "SMTP_URL can have no parameter but tls=required",
            )),
            _ => Err(WrongSetting::new(
                "SMTP_URL must begin with smtps:// or smtp://",
            )),
        }
    }

    fn default_port(&self) -> u16 {
        match self {
            Self::Tls(_) => 465,
            Self::StartTls(_) => 587,
            Self::Plain => 25,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Tls(_) => "SMTP with TLS",
            Self::StartTls(_) => "SMTP with STARTTLS",
            Self::Plain => "unencrypted SMTP",
        }
    }
}

fn host(url: &Url) -> Result<Host<String>, WrongSetting> {
    let text = url.host_str().unwrap_or_default();
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(WrongSetting::new(
            "SMTP_URL must end after host and port, but for ?tls=required; special characters in the password are percent-encoded",
        ));
    }
    Host::parse(text).map_err(|_| WrongSetting::new("SMTP_URL must name a host"))
}

fn login(url: &Url) -> Result<Option<Credentials>, WrongSetting> {
    let decode = |text| {
        percent_decode_str(text)
            .decode_utf8()
            .map(String::from)
            .map_err(|_| WrongSetting::new("SMTP_URL must have its user and password in UTF-8"))
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) => Err(WrongSetting::new(
            "SMTP_URL must have a user before the password",
        )),
        (_, None) => Err(WrongSetting::new(
            "SMTP_URL must have a password after the user",
        )),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

fn tls() -> Result<TlsConnector, WrongSetting> {
    tls::connector(tls::trusted_roots()).map_err(|_| no_tls())
}

fn starttls(host: &Host<String>) -> Result<TlsParameters, WrongSetting> {
    TlsParameters::new(host_text(host)).map_err(|_| no_tls())
}

fn no_tls() -> WrongSetting {
    WrongSetting::new("SMTP_URL asks for TLS, which cannot be set up on this machine")
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The host without the brackets a URL puts around an IPv6 address.
fn host_text(host: &Host<String>) -> String {
    match host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

/// Whether the server will never accept this mail. If it only requires authentication, the settings may be corrected.
fn is_permanent(error: &SmtpError) -> bool {
    error.is_permanent() && error.status().map(u16::from) != Some(LOGIN_REQUIRED)
}

/// What went wrong, for the log. Without the server's own text, which often contains the address.
fn reason(error: &SmtpError) -> String {
    match (error.status(), enhanced_status(error)) {
        (Some(code), Some(detail)) => format!("the mail server answered {code} {detail}"),
        (Some(code), None) => format!("the mail server answered {code}"),
        (None, _) if error.is_response() => {
            "the mail server hung up or did not speak SMTP".to_owned()
        }
        (None, _) => error.to_string(),
    }
}

/// The enhanced status code of an answer, such as `5.7.1` (RFC 3463).
fn enhanced_status(error: &SmtpError) -> Option<String> {
    let answer = error.source()?.to_string();
    let status = answer.split_whitespace().next()?;
    let is_status = status.contains('.') && status.chars().all(|c| c == '.' || c.is_ascii_digit());
    is_status.then(|| status.to_owned())
}

fn timed_out(what: &str, limit: Duration) -> MailError {
    let seconds = limit.as_secs();
    MailError::Temporary(format!("the mail server took over {seconds} s {what}"))
}
