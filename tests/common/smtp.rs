//! A small SMTP server on a real socket, which can be told to misbehave.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// The certificate for `localhost`, signed by itself and valid until 2120, and its key.
pub const CERTIFICATE_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/smtp.pem");
const TIMEOUT: Duration = Duration::from_secs(10);

/// The server; it stops when it is dropped.
pub struct SmtpServer {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// When the server speaks TLS.
#[derive(Clone, Copy, PartialEq)]
pub enum Encryption {
    None,
    StartTls,
    FromTheStart,
}

/// How the server behaves.
#[derive(Clone, PartialEq)]
pub enum Manner {
    /// Takes every mail.
    Polite,
    /// Answers this to the next recipient, then is polite.
    RefuseRecipientOnce(&'static str),
    /// Answers this to every recipient it has not heard of before.
    Greylist(&'static str),
    /// Answers this to the content of every mail.
    RefuseContent(&'static str),
    /// Answers this to every login.
    RefuseLogin(&'static str),
    /// Answers this to every sender.
    RefuseSender(&'static str),
    /// Takes the mail and hangs up before it says so.
    HangUpAfterContent,
    /// Takes the mail and never answers the goodbye.
    IgnoreQuit,
    /// Says nothing at all.
    Silent,
    /// Waits this long before every answer.
    Slow(Duration),
    /// Begins an answer that never ends, 16 MB a second of it, once the connection is as encrypted as it gets.
    Endless,
}

/// A mail the server took.
#[derive(Debug, Clone)]
pub struct ReceivedMail {
    pub from: String,
    pub to: Vec<String>,
    pub content: String,
    pub encrypted: bool,
    /// User and password.
    pub login: Option<(String, String)>,
}

struct Shared {
    tls: TlsAcceptor,
    encryption: Encryption,
    manner: Mutex<Manner>,
    commands: Mutex<Vec<String>>,
    /// Recipients it has heard of.
    known: Mutex<HashSet<String>>,
    mails: watch::Sender<Vec<ReceivedMail>>,
}

impl SmtpServer {
    /// A server on a free port of 127.0.0.1.
    pub async fn start(encryption: Encryption, manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            tls: tls_acceptor(CERTIFICATE_FILE),
            encryption,
            manner: Mutex::new(manner),
            commands: Mutex::default(),
            known: Mutex::default(),
            mails: watch::Sender::default(),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self { port, shared, task }
    }

    /// A polite server without TLS.
    pub async fn polite() -> Self {
        Self::start(Encryption::None, Manner::Polite).await
    }

    /// What `SMTP_URL` is for this server.
    pub fn url(&self) -> String {
        match self.shared.encryption {
            Encryption::None => format!("smtp://127.0.0.1:{}", self.port),
            Encryption::StartTls => format!("smtp://localhost:{}?tls=required", self.port),
            Encryption::FromTheStart => format!("smtps://localhost:{}", self.port),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn set_manner(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// Every line a client said outside of a mail's content.
    pub fn commands(&self) -> Vec<String> {
        self.shared.commands.lock().unwrap().clone()
    }

    /// Every mail the server took, oldest first.
    pub fn mails(&self) -> Vec<ReceivedMail> {
        self.shared.mails.borrow().clone()
    }

    /// Every mail to this address the server took, oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<ReceivedMail> {
        let mails = self.shared.mails.borrow();
        mails
            .iter()
            .filter(|mail| mail.is_to(address))
            .cloned()
            .collect()
    }

    /// The oldest mail to this address, which may still be on its way.
    pub async fn mail_to(&self, address: &str) -> ReceivedMail {
        let mut mails = self.shared.mails.subscribe();
        let arrival = mails.wait_for(|mails| mails.iter().any(|mail| mail.is_to(address)));
        let mails = tokio::time::timeout(TIMEOUT, arrival)
            .await
            .unwrap_or_else(|_| panic!("no mail came to {address}"))
            .unwrap();
        mails
            .iter()
            .find(|mail| mail.is_to(address))
            .unwrap()
            .clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ReceivedMail {
    fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to == address)
    }

    /// A header of the mail, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let (headers, _) = self.content.split_once("\r\n\r\n")?;
        let headers = headers.replace("\r\n ", " ").replace("\r\n\t", " ");
        headers.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    /// The part of this type, as it was sent.
    pub fn part(&self, content_type: &str) -> Option<String> {
        let boundary = self.header("Content-Type")?;
        let boundary = boundary.split('"').nth(1)?.to_owned();
        self.content
            .split(&format!("--{boundary}"))
            .filter_map(|part| part.split_once("\r\n\r\n"))
            .find(|(headers, _)| headers.contains(&format!("Content-Type: {content_type}")))
            .map(|(_, body)| body.replace("\r\n", "\n"))
    }

    /// The line of the text part that is a link.
    pub fn link(&self) -> Option<String> {
        let text = self.part("text/plain")?;
        let link = text.lines().find(|line| line.starts_with("http"))?;
        Some(link.to_owned())
    }

    /// The uuid of that link.
    pub fn uuid(&self) -> Option<String> {
        let link = self.link()?;
        let (_, uuid) = link.split_once("?uuid=")?;
        Some(uuid.to_owned())
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let encrypted = shared.encryption == Encryption::FromTheStart;
            let mut client = Client {
                stream: BufReader::new(Box::new(stream)),
                shared,
                encrypted: false,
                login: None,
            };
            if !encrypted || client.encrypt().await.is_ok() {
                let _ = client.converse().await;
            }
        });
    }
}

/// One connection.
struct Client {
    stream: BufReader<Box<dyn Stream>>,
    shared: Arc<Shared>,
    encrypted: bool,
    login: Option<(String, String)>,
}

impl Client {
    async fn converse(&mut self) -> io::Result<()> {
        if self.manner() == Manner::Silent {
            return std::future::pending().await;
        }
        self.say("220 localhost ESMTP for tests").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = self.line().await?;
            self.shared.commands.lock().unwrap().push(line.clone());
            let verb = line.split_whitespace().next().unwrap_or_default();
            match (verb.to_ascii_uppercase().as_str(), self.manner()) {
                ("EHLO" | "HELO", _) => self.greet().await?,
                ("STARTTLS", _) if self.offers_starttls() => {
                    self.say("220 go ahead").await?;
                    self.encrypt().await?;
                }
                ("AUTH", Manner::RefuseLogin(answer)) => self.say(answer).await?,
                ("AUTH", _) => {
                    self.login = plain_login(&line);
                    self.say("235 welcome").await?;
                }
                ("MAIL", Manner::RefuseSender(answer)) => self.say(answer).await?,
                ("MAIL", _) => {
                    from = address(&line);
                    self.say("250 ok").await?;
                }
                ("RCPT", Manner::RefuseRecipientOnce(answer)) => {
                    *self.shared.manner.lock().unwrap() = Manner::Polite;
                    self.say(answer).await?;
                }
                ("RCPT", Manner::Greylist(answer)) if self.is_new(&address(&line)) => {
                    self.say(answer).await?;
                }
                ("RCPT", _) => {
                    to.push(address(&line));
                    self.say("250 ok").await?;
                }
                ("DATA", _) => {
                    self.say("354 go on").await?;
                    let content = self.content().await?;
                    let mail = ReceivedMail {
                        from: std::mem::take(&mut from),
                        to: std::mem::take(&mut to),
                        content,
                        encrypted: self.encrypted,
                        login: self.login.clone(),
                    };
                    match self.manner() {
                        Manner::RefuseContent(answer) => self.say(answer).await?,
                        Manner::HangUpAfterContent => {
                            self.keep(mail);
                            return Ok(());
                        }
                        _ => {
                            self.keep(mail);
                            self.say("250 taken").await?;
                        }
                    }
                }
                ("RSET", _) => {
                    (from, to) = (String::new(), Vec::new());
                    self.say("250 ok").await?;
                }
                ("NOOP", _) => self.say("250 ok").await?,
                ("QUIT", Manner::IgnoreQuit) => return std::future::pending().await,
                ("QUIT", _) => return self.say("221 bye").await,
                _ => self.say("500 what?").await?,
            }
        }
    }

    fn manner(&self) -> Manner {
        self.shared.manner.lock().unwrap().clone()
    }

    fn offers_starttls(&self) -> bool {
        self.shared.encryption == Encryption::StartTls && !self.encrypted
    }

    fn is_new(&self, recipient: &str) -> bool {
        let mut known = self.shared.known.lock().unwrap();
        known.insert(recipient.to_owned())
    }

    fn keep(&self, mail: ReceivedMail) {
        self.shared.mails.send_modify(|mails| mails.push(mail));
    }

    async fn greet(&mut self) -> io::Result<()> {
        let starttls = if self.offers_starttls() {
            "250-STARTTLS\r\n"
        } else {
            ""
        };
        self.say(&format!(
            "250-localhost\r\n{starttls}250-AUTH PLAIN\r\n250 8BITMIME"
        ))
        .await
    }

    async fn encrypt(&mut self) -> io::Result<()> {
        let (hole, _) = tokio::io::duplex(1);
        let plain = std::mem::replace(&mut self.stream, BufReader::new(Box::new(hole)));
        let encrypted = self.shared.tls.accept(plain.into_inner()).await?;
        self.stream = BufReader::new(Box::new(encrypted));
        self.encrypted = true;
        Ok(())
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        if let Manner::Slow(pause) = self.manner() {
            tokio::time::sleep(pause).await;
        }
        if self.manner() == Manner::Endless && !self.offers_starttls() {
            loop {
                self.stream.write_all(&[b'2'; 16 * 1024]).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // In one piece, or the second would wait until the client has acknowledged the first.
        let line = format!("{answer}\r\n");
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.flush().await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    async fn content(&mut self) -> io::Result<String> {
        let mut content = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(content);
            }
            content.push_str(line.strip_prefix('.').unwrap_or(&line));
            content.push_str("\r\n");
        }
    }
}

fn address(line: &str) -> String {
    let address = line.split(['<', '>']).nth(1);
    address.unwrap_or_default().to_owned()
}

fn plain_login(line: &str) -> Option<(String, String)> {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let secret = BASE64_STANDARD
        .decode(line.strip_prefix("AUTH PLAIN ")?)
        .ok()?;
    let secret = String::from_utf8(secret).ok()?;
    let (user, password) = secret.strip_prefix('\0')?.split_once('\0')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Accepts TLS with the certificate and the key in this file.
pub fn tls_acceptor(file: &str) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file).unwrap();
    let key = PrivateKeyDer::from_pem_file(file).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
