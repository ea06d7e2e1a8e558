//! An account, as its client knows it.

use std::collections::HashMap;

use crate::socket::{Answer, PASSWORD};

/// What a client was told was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Signup,
    Login,
    Logout,
    Link,
    Reset,
    Name,
    Password,
    Confirmation,
    Asked,
    Address,
    OthersEnded,
    Secured,
    Deleted,
}

impl Deed {
    pub const ALL: [Self; 13] = [
        Self::Signup,
        Self::Login,
        Self::Logout,
        Self::Link,
        Self::Reset,
        Self::Name,
        Self::Password,
        Self::Confirmation,
        Self::Asked,
        Self::Address,
        Self::OthersEnded,
        Self::Secured,
        Self::Deleted,
    ];

    /// What many of them are called.
    pub fn words(self) -> &'static str {
        match self {
            Self::Signup => "signups",
            Self::Login => "logins",
            Self::Logout => "logouts",
            Self::Link => "links",
            Self::Reset => "resets",
            Self::Name => "names",
            Self::Password => "passwords",
            Self::Confirmation => "confirmations",
            Self::Asked => "new addresses asked for",
            Self::Address => "new addresses",
            Self::OthersEnded => "ends of other sessions",
            Self::Secured => "accounts secured",
            Self::Deleted => "accounts deleted",
        }
    }

    /// Whether mail that was promised before may then no longer be sent.
    fn ends_mail(self) -> bool {
        matches!(
            self,
            Self::Reset | Self::Asked | Self::Secured | Self::Deleted
        )
    }
}

/// The subjects of the mails.
pub mod subject {
    pub const RESET: &str = "Reset your fpm-registry password";
    pub const PASSWORD_CHANGED: &str = "Your fpm-registry password was changed";
    pub const CONFIRM: &str = "Confirm your email for fpm-registry";
    pub const CONFIRM_CHANGE: &str = "Confirm your new email for fpm-registry";
    pub const EMAIL_CHANGED: &str = "The email of your fpm-registry account was changed";
    pub const DELETED: &str = "Your fpm-registry account was deleted";
}

/// Whom a mail goes to, and its subject.
pub type MailName = (String, &'static str);

/// What an account is like.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub name: &'static str,
    pub email: String,
    pub is_confirmed: bool,
    /// None if no password works.
    pub password: Option<&'static str>,
    /// The sessions that live.
    pub sessions: Vec<String>,
}

impl State {
    /// After the signup, but for the session that began with it.
    pub fn new(email: &str) -> Self {
        Self {
            name: "Ada",
            email: email.to_owned(),
            is_confirmed: false,
            password: Some(PASSWORD),
            sessions: Vec::new(),
        }
    }

    /// The mail of this subject to the address of record, if it is confirmed.
    pub fn notice(&self, subject: &'static str) -> Vec<MailName> {
        let mail = self.is_confirmed.then(|| (self.email.clone(), subject));
        mail.into_iter().collect()
    }
}

/// A mail that was asked for.
#[derive(Debug)]
struct Asked {
    mail: MailName,
    is_promised: bool,
}

/// An account, and all that was ever done with it.
#[derive(Debug)]
pub struct Account {
    /// What it is like by what was acknowledged; none where there is no account.
    pub state: Option<State>,
    /// What it is like if the last request was done, which had no answer.
    in_doubt: Option<Option<State>>,
    pub done: Vec<Deed>,
    addresses: Vec<String>,
    passwords: Vec<&'static str>,
    sessions: Vec<String>,
    asked: Vec<Asked>,
    /// The mail whose link was ended by a later mail.
    pub superseded: Option<MailName>,
}

impl Account {
    /// An account that is yet to be made.
    pub fn new(email: &str) -> Self {
        Self {
            state: None,
            in_doubt: None,
            done: Vec::new(),
            addresses: vec![email.to_owned()],
            passwords: vec![PASSWORD],
            sessions: Vec::new(),
            asked: Vec::new(),
            superseded: None,
        }
    }

    /// Notes what became of a request that makes the account like `after`, and sends `mails`. None if that is in doubt.
    pub fn note(
        &mut self,
        deed: Deed,
        answer: Option<Answer>,
        mut after: Option<State>,
        mails: Vec<MailName>,
    ) -> Option<Answer> {
        if deed.ends_mail() {
            self.asked
                .iter_mut()
                .for_each(|asked| asked.is_promised = false);
        }
        let is_promised = answer.is_some();
        self.asked
            .extend(mails.into_iter().map(|mail| Asked { mail, is_promised }));
        if let Some(state) = &after {
            push_new(&mut self.addresses, state.email.clone());
            self.passwords.extend(state.password);
            self.passwords.sort_unstable();
            self.passwords.dedup();
        }
        let Some(answer) = answer else {
            self.in_doubt = Some(after);
            return None;
        };
        let session = answer.cookie("uuid").filter(|cookie| cookie != "uuid=");
        if let (Some(state), Some(session)) = (&mut after, session) {
            state.sessions.push(session.clone());
            self.sessions.push(session);
        }
        self.state = after;
        self.done.push(deed);
        Some(answer)
    }

    /// Whether the fate of its last request is not known.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt.is_some()
    }

    /// The address that it last had, or was to have.
    pub fn last_address(&self) -> &str {
        let state = self.state.as_ref();
        state.map_or(&self.addresses[0], |state| &state.email)
    }

    /// Every session that it ever had.
    pub fn sessions(&self) -> &[String] {
        &self.sessions
    }

    /// Every address with every password that it ever had.
    pub fn logins(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let addresses = self.addresses.iter();
        addresses.flat_map(|email| self.passwords.iter().map(|word| (email.as_str(), *word)))
    }

    /// What it may be like: as was acknowledged, or as the request in doubt makes it.
    pub fn states(&self) -> impl Iterator<Item = &Option<State>> {
        std::iter::once(&self.state).chain(&self.in_doubt)
    }

    /// Adds how often each mail was asked for, and how often it was promised.
    pub fn add_mails(&self, sums: &mut HashMap<MailName, MailCount>) {
        for Asked { mail, is_promised } in &self.asked {
            let count = sums.entry(mail.clone()).or_default();
            count.asked += 1;
            count.promised += usize::from(*is_promised);
        }
        if let Some(mail) = &self.superseded {
            let count = sums.entry(mail.clone()).or_default();
            count.promised = count.asked + 1;
        }
    }
}

/// How often a mail was asked for, and has to come at least.
#[derive(Default)]
pub struct MailCount {
    pub asked: usize,
    pub promised: usize,
}

/// What is seen of an account from outside.
#[derive(Debug)]
pub struct Seen {
    /// Of each session, what `/account` shows, if it lives.
    pub sessions: Vec<(String, Option<Shown>)>,
    /// Whether these get in.
    pub logins: Vec<(String, &'static str, bool)>,
}

/// What `/account` shows.
#[derive(Debug, PartialEq)]
pub struct Shown {
    pub name: String,
    pub email: String,
    pub is_confirmed: bool,
}

impl Seen {
    /// Whether an account of this state is seen so.
    pub fn is_of(&self, state: Option<&State>) -> bool {
        let is_as = |session: &String, shown: &Option<Shown>| match (state, shown) {
            (Some(state), Some(shown)) => {
                state.sessions.contains(session)
                    && shown.name == state.name
                    && shown.email == state.email
                    && shown.is_confirmed == state.is_confirmed
            }
            (Some(state), None) => !state.sessions.contains(session),
            (None, shown) => shown.is_none(),
        };
        let gets_in = |email: &str, password| {
            state.is_some_and(|state| state.email == email && state.password == Some(password))
        };
        let mut sessions = self.sessions.iter();
        let mut logins = self.logins.iter();
        sessions.all(|(session, shown)| is_as(session, shown))
            && logins.all(|(email, password, is_in)| gets_in(email, *password) == *is_in)
    }
}

fn push_new(addresses: &mut Vec<String>, address: String) {
    if !addresses.contains(&address) {
        addresses.push(address);
    }
}
