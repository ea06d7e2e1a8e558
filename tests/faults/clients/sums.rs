//! What all clients asked for, were promised and got.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::account::{Account, Deed, MailCount, MailName};
use crate::smtp::ReceivedMail;

/// What clients asked for and were promised.
#[derive(Default)]
pub struct Sums {
    done: HashMap<&'static str, usize>,
    mails: usize,
    /// How many mails came once more than they were asked for.
    pub doubled: usize,
    /// How often the mail came that came most often.
    most: usize,
    /// How many links were used that a later mail had ended.
    superseded: usize,
    in_doubt: usize,
}

impl Sums {
    pub fn of(accounts: &[Account], mails: &Mails) -> Self {
        let mut sums = Self::default();
        for account in accounts {
            for deed in &account.done {
                *sums.done.entry(deed.words()).or_default() += 1;
            }
            sums.superseded += usize::from(account.superseded.is_some());
            sums.in_doubt += usize::from(account.is_in_doubt());
        }
        for (mail, count) in &mails.asked {
            let came = mails.came(mail);
            let more = came.saturating_sub(count.asked);
            sums.mails += came;
            sums.doubled += more;
            sums.most = sums.most.max(more + 1);
        }
        sums
    }

    /// How many of these were acknowledged.
    pub fn all(&self, deed: Deed) -> usize {
        self.done.get(deed.words()).copied().unwrap_or_default()
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = Deed::ALL.map(|deed| format!("{} {}", self.all(deed), deed.words()));
        write!(
            f,
            "{} acknowledged and none lost, {} mails ({} more than once, at most {} times; {} links ended by that), {} in \
             doubt and none half done",
            done.join(", "),
            self.mails,
            self.doubled,
            self.most,
            self.superseded,
            self.in_doubt
        )
    }
}

/// The mails that were asked for, and those that came.
pub struct Mails {
    asked: HashMap<MailName, MailCount>,
    came: HashMap<(String, String), usize>,
}

impl Mails {
    pub fn asked_by(accounts: &[Account]) -> Self {
        let mut asked = HashMap::new();
        accounts
            .iter()
            .for_each(|account| account.add_mails(&mut asked));
        Self {
            asked,
            came: HashMap::new(),
        }
    }

    /// Forgets which of this subject were promised.
    pub fn promise_no(&mut self, subject: &str) {
        let mails = self.asked.iter_mut();
        let mails = mails.filter(|((_, of), _)| *of == subject);
        mails.for_each(|(_, count)| count.promised = 0);
    }

    /// Counts the mails that came until now; whether all that were promised are among them.
    pub fn have_come(&mut self, mails: &[ReceivedMail]) -> bool {
        self.came.clear();
        for mail in mails {
            let subject = mail.header("Subject").unwrap();
            for to in &mail.to {
                let came = self.came.entry((to.clone(), subject.clone()));
                *came.or_default() += 1;
            }
        }
        self.missing().is_none()
    }

    /// A mail that was promised and has not come.
    pub fn missing(&self) -> Option<&MailName> {
        let mut asked = self.asked.iter();
        asked
            .find(|(mail, count)| self.came(mail) < count.promised)
            .map(|(mail, _)| mail)
    }

    /// That nobody got a mail that was not asked for.
    pub fn assert_asked(&self) {
        let asked = self.asked.keys();
        let asked: HashSet<(&str, &str)> = asked.map(|(to, of)| (to.as_str(), *of)).collect();
        for (to, subject) in self.came.keys() {
            let is_client = to.starts_with("user-");
            let is_asked = asked.contains(&(to.as_str(), subject.as_str()));
            assert!(!is_client || is_asked, "{to} got {subject:?} unasked");
        }
    }

    fn came(&self, (to, subject): &MailName) -> usize {
        let key = (to.clone(), (*subject).to_owned());
        self.came.get(&key).copied().unwrap_or_default()
    }
}
