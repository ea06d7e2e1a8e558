//! What a user does, from the signup on. The first request without an answer ends it, so that no more than one is in
//! doubt.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Clients,
    account::{Account, Deed, MailName, State, subject},
    success,
};
use crate::{
    random,
    socket::{Answer, NEW_PASSWORD, PASSWORD, Request, get, login, post, signup},
};

/// How long a client waits for the mail with its link before it does without.
const LINK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client rests between two looks for its mail.
const PAUSE: Duration = Duration::from_millis(20);

const NAMES: [&str; 2] = ["Grace Hopper", "Ada Lovelace"];
/// What a stolen account has as its password.
const STOLEN_PASSWORD: &str = "walnut ferry quilt";

impl Clients<'_> {
    /// One user's life.
    pub(super) fn live(&self) -> Account {
        let email = address();
        let mut account = Account::new(&email);
        // It ends where it has to.
        let _ = self.sign_up(&mut account, &email);
        let _ = self.go_on(&mut account);
        account
    }

    /// A visit, a login, and then something that users do. Until the mail of the signup is there the name is changed
    /// again and again: without that wait mail would pile up.
    fn go_on(&self, account: &mut Account) -> Option<()> {
        let first = self.session(account)?;
        if let Some(page) = self.send(&get("/").with("Cookie", &first)) {
            assert!(page.body.contains(LOGGED_IN), "{}", page.body);
        }
        self.log_in(account)?;
        let mail = (account.last_address().to_owned(), subject::CONFIRM);
        let asked = Instant::now();
        while self.last_uuid(&mail).is_none() && asked.elapsed() < LINK_TIMEOUT {
            self.change_name(account)?;
            thread::sleep(PAUSE);
        }
        match random(12) {
            0..2 => self.log_out(account),
            2..5 => self.forget(account),
            5..7 => self.change_password(account, NEW_PASSWORD),
            7..9 => self.move_away(account),
            9 => self.end_others(account),
            10 => self.take_back(account),
            _ => self.leave_and_return(account),
        }
    }

    fn sign_up(&self, account: &mut Account, email: &str) -> Option<()> {
        let mails = vec![(email.to_owned(), subject::CONFIRM)];
        let after = Some(State::new(email));
        self.do_it(account, Deed::Signup, &signup(email), after, mails)
    }

    fn log_in(&self, account: &mut Account) -> Option<()> {
        let state = account.state.clone()?;
        let request = login(&state.email, state.password?);
        self.do_it(account, Deed::Login, &request, Some(state), Vec::new())
    }

    fn log_out(&self, account: &mut Account) -> Option<()> {
        let mut state = account.state.clone()?;
        let request = post("/auth/logout", &[]).with("Cookie", state.sessions.remove(0));
        self.do_it(account, Deed::Logout, &request, Some(state), Vec::new())
    }

    fn change_name(&self, account: &mut Account) -> Option<()> {
        let state = account.state.clone()?;
        let name = NAMES.into_iter().find(|name| *name != state.name)?;
        let request = self.own(account, "/account/name", &[("name", name)])?;
        let after = State { name, ..state };
        self.do_it(account, Deed::Name, &request, Some(after), Vec::new())
    }

    fn change_password(&self, account: &mut Account, password: &'static str) -> Option<()> {
        let state = account.state.clone()?;
        let fields = [
            ("current_password", state.password?),
            ("password", password),
        ];
        let request = self.own(account, "/account/password", &fields)?;
        let mails = state.notice(subject::PASSWORD_CHANGED);
        // This session goes on under another uuid.
        let after = State {
            password: Some(password),
            sessions: Vec::new(),
            ..state
        };
        self.do_it(account, Deed::Password, &request, Some(after), mails)
    }

    fn end_others(&self, account: &mut Account) -> Option<()> {
        let request = self.own(account, "/account/sessions/end-others", &[])?;
        let mut after = account.state.clone()?;
        after.sessions.truncate(1);
        self.do_it(
            account,
            Deed::OthersEnded,
            &request,
            Some(after),
            Vec::new(),
        )
    }

    /// Asks for a reset link and uses it.
    fn forget(&self, account: &mut Account) -> Option<()> {
        let state = account.state.clone()?;
        let request = post("/auth/forgot-password", &[("email", &state.email)]);
        let mails = vec![(state.email.clone(), subject::RESET)];
        self.do_it(account, Deed::Link, &request, Some(state), mails)?;
        self.reset(account)
    }

    /// Uses a reset link that is on its way.
    fn reset(&self, account: &mut Account) -> Option<()> {
        let state = account.state.clone()?;
        let mail = (state.email.clone(), subject::RESET);
        let after = State {
            password: Some(NEW_PASSWORD),
            is_confirmed: true,
            sessions: Vec::new(),
            ..state
        };
        let mails = after.notice(subject::PASSWORD_CHANGED);
        let uuid = self.mailed_uuid(&mail)?;
        let fields = [("uuid", uuid.as_str()), ("password", NEW_PASSWORD)];
        let request = post("/auth/reset-password", &fields);
        self.use_link(account, mail, Deed::Reset, &request, after, mails)
    }

    /// Confirms the address of the signup.
    fn confirm(&self, account: &mut Account) -> Option<()> {
        let state = account.state.clone()?;
        let mail = (state.email.clone(), subject::CONFIRM);
        let after = State {
            is_confirmed: true,
            ..state
        };
        let uuid = self.mailed_uuid(&mail)?;
        let request = self.own(account, "/auth/confirm-email", &[("uuid", &uuid)])?;
        self.use_link(
            account,
            mail,
            Deed::Confirmation,
            &request,
            after,
            Vec::new(),
        )
    }

    /// Asks for another address, and confirms it.
    fn move_away(&self, account: &mut Account) -> Option<()> {
        if random(2) == 0 {
            self.confirm(account)?;
        }
        let state = account.state.clone()?;
        let mail = (address(), subject::CONFIRM_CHANGE);
        let request = self.own(account, "/account/email", &[("email", &mail.0)])?;
        let mails = vec![mail.clone()];
        self.do_it(account, Deed::Asked, &request, Some(state.clone()), mails)?;
        let mails = state.notice(subject::EMAIL_CHANGED);
        let after = State {
            email: mail.0.clone(),
            is_confirmed: true,
            ..state
        };
        let uuid = self.mailed_uuid(&mail)?;
        let request = self.own(account, "/auth/confirm-email", &[("uuid", &uuid)])?;
        self.use_link(account, mail, Deed::Address, &request, after, mails)
    }

    /// Has the password changed by a thief, and takes the account back by the mail that tells of it.
    fn take_back(&self, account: &mut Account) -> Option<()> {
        self.confirm(account)?;
        self.change_password(account, STOLEN_PASSWORD)?;
        let state = account.state.clone()?;
        let mail = (state.email.clone(), subject::PASSWORD_CHANGED);
        let mails = state.notice(subject::RESET);
        let after = State {
            password: None,
            sessions: Vec::new(),
            ..state
        };
        let uuid = self.mailed_uuid(&mail)?;
        let request = post("/auth/not-me", &[("uuid", &uuid)]);
        self.use_link(account, mail, Deed::Secured, &request, after, mails)?;
        self.reset(account)
    }

    /// Deletes the account and signs up anew.
    fn leave_and_return(&self, account: &mut Account) -> Option<()> {
        if random(2) == 0 {
            self.confirm(account)?;
        }
        let state = account.state.clone()?;
        let fields = [
            ("email", state.email.as_str()),
            ("current_password", PASSWORD),
        ];
        let request = self.own(account, "/account/delete", &fields)?;
        let mails = state.notice(subject::DELETED);
        self.do_it(account, Deed::Deleted, &request, None, mails)?;
        self.sign_up(account, &state.email)
    }

    /// Sends a request that makes the account like `after`. None where life ends by it.
    fn do_it(
        &self,
        account: &mut Account,
        deed: Deed,
        request: &Request,
        after: Option<State>,
        mails: Vec<MailName>,
    ) -> Option<()> {
        let answer = self.send(request);
        self.keep(account, deed, answer, after, mails)
    }

    /// The same with the link of a mail. A second mail, sent because a fault hid that the first had gone, ends the
    /// link of the first.
    fn use_link(
        &self,
        account: &mut Account,
        mail: MailName,
        deed: Deed,
        request: &Request,
        after: State,
        mails: Vec<MailName>,
    ) -> Option<()> {
        let answer = self.exchange(request);
        if answer.as_ref().is_ok_and(|answer| answer.status == 404) {
            account.superseded = Some(mail);
            return None;
        }
        self.keep(account, deed, success(answer), Some(after), mails)
    }

    fn keep(
        &self,
        account: &mut Account,
        deed: Deed,
        answer: Option<Answer>,
        after: Option<State>,
        mails: Vec<MailName>,
    ) -> Option<()> {
        account.note(deed, answer, after, mails)?;
        (!self.is_over()).then_some(())
    }

    /// A form of the account, sent in its first session.
    fn own(&self, account: &Account, path: &str, fields: &[(&str, &str)]) -> Option<Request> {
        Some(post(path, fields).with("Cookie", self.session(account)?))
    }

    fn session(&self, account: &Account) -> Option<String> {
        account.state.as_ref()?.sessions.first().cloned()
    }

    /// The uuid of the last of these mails, which may still be on its way.
    fn mailed_uuid(&self, mail: &MailName) -> Option<String> {
        let asked = Instant::now();
        while asked.elapsed() < LINK_TIMEOUT && !self.is_over() {
            if let Some(uuid) = self.last_uuid(mail) {
                return Some(uuid);
            }
            thread::sleep(PAUSE);
        }
        None
    }

    /// The uuid of the last of these mails that is there.
    fn last_uuid(&self, (email, subject): &MailName) -> Option<String> {
        let mails = self.smtp.mails_to(email);
        let mut mails = mails.iter().rev();
        let last = mails.find(|mail| mail.header("Subject").as_deref() == Some(subject));
        last.and_then(|mail| mail.uuid())
    }
}

/// What the page says to whoever has a session.
const LOGGED_IN: &str = "You are logged in as";

/// An address nobody else has.
fn address() -> String {
    format!("user-{}@example.org", uuid::Uuid::new_v4().simple())
}
