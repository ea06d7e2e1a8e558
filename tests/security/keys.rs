//! Users as tests of the account area have them: logged in, with a confirmed address, and with the links of their mails.

use std::{
    collections::HashSet,
    fs,
    path::PathBuf,
    sync::Mutex,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use base32::Alphabet::Rfc4648;
use serde_json::Value;
use totp_rs::Builder;

use crate::{
    CONFIRM, NOT_ME,
    socket::{Answer, PASSWORD, Registry, Request, get, login, post},
};

/// Where a browser shows a second factor.
pub const SECOND_FACTOR: &str = "/auth/second-factor";

/// What opens every page: the cookies of a login, and a link of each kind.
pub struct Keys {
    pub session: String,
    pub confirm: String,
    pub not_me: String,
    /// The cookie of a login of another user that waits for a second factor.
    pending: String,
    prefix: &'static str,
}

impl Keys {
    /// Those of a new user, who is to change to an address beside the own.
    pub fn of_a_user(registry: &Registry, email: &str) -> Self {
        let mailbox = Mailbox::new(registry);
        let session = mailbox.confirmed(email);
        assert_eq!(registry.log_in(email, PASSWORD).status, 200);
        let not_me = mailbox.link(email, NOT_ME);
        let new = format!("new-{email}");
        mailbox.send("/account/email", &[("email", &new)], &session);
        begin_totp(registry, &session);
        let with_app = format!("app-{email}");
        add_app(registry, &mailbox.signed_up(&with_app));
        let waits = registry.send(&login(&with_app, PASSWORD).by_browser());
        let prefix = prefix(registry);
        let pending = waits.cookie(&format!("{prefix}pending"));
        Self {
            pending: pending.expect("a login that waits"),
            session,
            confirm: mailbox.link(&new, CONFIRM),
            not_me,
            prefix,
        }
    }

    /// The cookies that show a page with its forms.
    pub fn for_page(&self, path: &str) -> String {
        let Self {
            session,
            confirm,
            not_me,
            pending,
            prefix,
        } = self;
        match path {
            CONFIRM => format!("{prefix}confirm={confirm}"),
            NOT_ME => format!("{prefix}not-me={not_me}"),
            SECOND_FACTOR => pending.clone(),
            _ if path.starts_with("/account") => session.clone(),
            _ => String::new(),
        }
    }

    /// A request for a page with these cookies.
    pub fn open(&self, path: &str) -> Request {
        get(path).with("Cookie", self.for_page(path))
    }
}

/// The status that a program gets for a page without any of [`Keys`].
pub fn without_keys(path: &str) -> u16 {
    match path {
        CONFIRM | NOT_ME => 404,
        SECOND_FACTOR => 303,
        _ if path.starts_with("/account") => 401,
        _ => 200,
    }
}

/// Begins to add an authenticator app; its secret.
fn begin_totp(registry: &Registry, session: &str) -> Vec<u8> {
    let begun = registry.send(&post("/account/totp", &[]).with("Cookie", session));
    let told: Value = serde_json::from_str(&begun.body).unwrap();
    let secret = told["secret"].as_str();
    let secret = secret.unwrap_or_else(|| panic!("no secret: {}", begun.body));
    base32::decode(Rfc4648 { padding: false }, secret).unwrap()
}

/// Adds an authenticator app.
fn add_app(registry: &Registry, session: &str) {
    let builder = Builder::new().with_secret(begin_totp(registry, session));
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let code = builder.build().unwrap().generate(now).to_string();
    let confirm = post("/account/totp/confirm", &[("code", &code)]);
    let added = registry.send(&confirm.with("Cookie", session));
    assert_eq!(added.status, 200, "{}", added.body);
}

fn prefix(registry: &Registry) -> &'static str {
    if registry.is_https { "__Host-" } else { "" }
}

/// All mails of a registry, and its users.
pub struct Mailbox<'r> {
    pub registry: &'r Registry,
    read: Mutex<HashSet<PathBuf>>,
}

impl<'r> Mailbox<'r> {
    pub fn new(registry: &'r Registry) -> Self {
        Self {
            registry,
            read: Mutex::default(),
        }
    }

    /// The cookies of a user who has just signed up and confirmed the address.
    pub fn confirmed(&self, email: &str) -> String {
        let session = self.signed_up(email);
        let uuid = self.link(email, CONFIRM);
        let confirmed = self.send(CONFIRM, &[("uuid", &uuid)], &session);
        confirmed.assert_done("Email confirmed");
        session
    }

    /// The cookies of a user who has just signed up.
    pub fn signed_up(&self, email: &str) -> String {
        self.cookies(&self.registry.sign_up(email))
    }

    /// The cookies of a login, from a device that is not known.
    pub fn logged_in(&self, email: &str, password: &str) -> String {
        let answer = self.registry.send(&login(email, password));
        answer.assert_done("Login successful");
        self.cookies(&answer)
    }

    /// The session and the device that an answer sets.
    pub fn cookies(&self, answer: &Answer) -> String {
        let prefix = prefix(self.registry);
        let names = ["uuid", "device"].map(|name| format!("{prefix}{name}"));
        let cookies = names.iter().filter_map(|name| answer.cookie(name));
        cookies.collect::<Vec<_>>().join("; ")
    }

    /// Sends a form as a program with these cookies.
    pub fn send(&self, path: &str, fields: &[(&str, &str)], cookies: &str) -> Answer {
        self.registry
            .send(&post(path, fields).with("Cookie", cookies))
    }

    /// What a page tells a program with these cookies.
    pub fn facts(&self, path: &str, cookies: &str) -> Value {
        let answer = self.registry.send(&get(path).with("Cookie", cookies));
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The kinds of a user's events, the newest first.
    pub fn history(&self, cookies: &str) -> Vec<String> {
        let events = self.facts("/account/history", cookies)["events"].take();
        let events = events.as_array().unwrap().iter();
        events
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Whether a session lives.
    pub fn is_alive(&self, cookies: &str) -> bool {
        let page = get("/account").with("Cookie", cookies);
        self.registry.send(&page).status == 200
    }

    /// The uuid of the next link to this page in a mail to this address.
    pub fn link(&self, to: &str, path: &str) -> String {
        let link = format!("{path}?uuid=");
        let mail = self.mail(to, &link);
        let (_, rest) = mail.split_once(&link).unwrap();
        rest[..36].to_owned()
    }

    /// The next mail to this address that has these words, which may still be on its way.
    pub fn mail(&self, to: &str, words: &str) -> String {
        for _ in 0..2000 {
            let mut read = self.read.lock().unwrap();
            let unread = self.all().into_iter().filter(|(file, mail)| {
                !read.contains(file) && is_to(mail, to) && mail.contains(words)
            });
            if let Some((file, mail)) = unread.into_iter().next() {
                read.insert(file);
                return mail;
            }
            drop(read);
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no mail to {to} has {words}");
    }

    /// How many mails with these words have been sent to an address, all that was asked for before included.
    pub fn count(&self, to: &str, words: &str) -> usize {
        // Mails go out in the order in which they are asked for.
        let last = format!("last-{}@example.org", uuid::Uuid::new_v4().simple());
        self.signed_up(&last);
        self.mail(&last, CONFIRM);
        let all = self.all();
        let wanted = all
            .iter()
            .filter(|(_, mail)| is_to(mail, to) && mail.contains(words));
        wanted.count()
    }

    /// Every mail, the oldest first.
    fn all(&self) -> Vec<(PathBuf, String)> {
        let files = fs::read_dir(self.registry.setup.folder().join("outbox")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let mails = files.filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
        let mut mails: Vec<_> = mails
            .map(|path| (path.metadata().unwrap().modified().unwrap(), path))
            .collect();
        mails.sort();
        let mails = mails.into_iter();
        mails
            .map(|(_, path)| (path.clone(), fs::read_to_string(&path).unwrap()))
            .collect()
    }
}

fn is_to(mail: &str, to: &str) -> bool {
    mail.contains(&format!("\r\nTo: {to}\r\n"))
}
