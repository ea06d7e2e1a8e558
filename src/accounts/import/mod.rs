//! Importing users of the registry's first backend: who is taken, and why others are not.
//!
//! # Layout
//! - [`wrap`]: hashes again what the first backend stored, on all cores

pub mod wrap;

use std::{collections::HashSet, hash::Hash};

use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp, email::Email, id::UserId, legacy::LegacyHash, name::Name, store::UserRecord,
};

/// A user as the first backend stored one; what is missing or cannot be used here is none.
pub struct FormerUser {
    /// The id.
    pub id: Option<UserId>,
    /// The address.
    pub email: Option<Email>,
    /// The hash of the password.
    pub password: Option<LegacyHash>,
    /// Whether the user had the role `admin`.
    pub is_admin: bool,
    /// What else is known.
    pub profile: Profile,
}

/// A user of the first backend who can be taken.
pub struct Newcomer {
    /// The id, which stays: namespaces and packages refer to it.
    pub id: UserId,
    /// The address.
    pub email: Email,
    /// The hash of the password.
    pub password: LegacyHash,
    /// What else is known.
    pub profile: Profile,
}

/// What is taken of a user just as it is.
pub struct Profile {
    /// The user name; none if it cannot be the name of a user here.
    pub name: Option<Name>,
    /// Whether the address was confirmed.
    pub is_verified: bool,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When the user last logged in.
    pub login_at: Timestamp,
    /// When the user last logged out.
    pub last_logout: Option<Timestamp>,
}

/// Why a user is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The record has no id, or one that could be something else.
    NoId,
    /// Several users of the first backend have the id.
    IdShared,
    /// There is no e-mail address, or one that no mail can be sent to.
    NoEmail,
    /// Several users of the first backend have the address, but for case.
    EmailShared,
    /// The user was an administrator there.
    Admin,
    /// The password is no hash as the first backend made it.
    NoHash,
    /// A user of this registry has the address.
    EmailTaken,
}

/// A user who is not taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NotTaken {
    /// Who.
    pub user: Option<UserId>,
    /// Why.
    pub reason: Reason,
}

/// What came of an import, or would.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// How many users are taken.
    pub taken: usize,
    /// How many are not taken since they were before; even if they are deleted by now.
    pub already_here: usize,
    /// Those of the taken who have no name, since theirs cannot be one here.
    pub without_name: Vec<UserId>,
    /// Those who are not taken.
    pub not_taken: Vec<NotTaken>,
}

/// What belongs to the users of this registry, and to nobody else.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct InUse {
    ids: HashSet<UserId>,
    addresses: HashSet<Email>,
}

impl InUse {
    /// Adds what belongs to one more user.
    pub fn add(&mut self, record: &UserRecord) {
        self.ids.insert(record.id().clone());
        if let UserRecord::User(user) = record {
            self.addresses.extend(user.addresses().cloned());
        }
    }

    /// Adds what belongs to further users.
    pub fn extend(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.addresses.extend(other.addresses);
    }
}

/// Sees who of the first backend's users can be taken.
pub fn select(users: Vec<FormerUser>, in_use: &InUse) -> (Vec<Newcomer>, Outcome) {
    let emails = shared(users.iter().filter_map(|user| user.email.as_ref()));
    let ids = shared(users.iter().filter_map(|user| user.id.as_ref()));
    let mut newcomers = Vec::new();
    let mut outcome = Outcome::default();
    for user in users {
        if user.id.as_ref().is_some_and(|id| in_use.ids.contains(id)) {
            outcome.already_here += 1;
            continue;
        }
        let id = user.id.clone();
        let is_shared = id.as_ref().is_some_and(|id| ids.contains(id));
        let admitted = match is_shared {
            true => Err(Reason::IdShared),
            false => admit(user, &emails, in_use),
        };
        match admitted {
            Ok(newcomer) => newcomers.push(newcomer),
            Err(reason) => outcome.not_taken.push(NotTaken { user: id, reason }),
        }
    }
    outcome.taken = newcomers.len();
    let nameless = newcomers.iter().filter(|user| user.profile.name.is_none());
    outcome.without_name = nameless.map(|user| user.id.clone()).collect();
    (newcomers, outcome)
}

/// Those that are there more than once.
fn shared<'u, T: Clone + Eq + Hash + 'u>(all: impl Iterator<Item = &'u T>) -> HashSet<T> {
    let mut seen = HashSet::new();
    all.filter(|item| !seen.insert(*item)).cloned().collect()
}

fn admit(user: FormerUser, shared: &HashSet<Email>, in_use: &InUse) -> Result<Newcomer, Reason> {
    let id = user.id.ok_or(Reason::NoId)?;
    let email = user.email.ok_or(Reason::NoEmail)?;
    if shared.contains(&email) {
        return Err(Reason::EmailShared);
    }
    if user.is_admin {
        return Err(Reason::Admin);
    }
    if in_use.addresses.contains(&email) {
        return Err(Reason::EmailTaken);
    }
    let password = user.password.ok_or(Reason::NoHash)?;
    Ok(Newcomer {
        id,
        email,
        password,
        profile: user.profile,
    })
}

impl Outcome {
    /// Takes users out again of whom the store found that their address or id had come into use meanwhile.
    pub fn leave_out(&mut self, left_out: Vec<UserId>) {
        self.taken -= left_out.len();
        self.without_name.retain(|id| !left_out.contains(id));
        let reason = Reason::EmailTaken;
        let left_out = left_out.into_iter().map(|id| NotTaken {
            user: Some(id),
            reason,
        });
        self.not_taken.extend(left_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> UserId {
        UserId::from_stored(text.to_owned())
    }

    #[test]
    fn who_signs_up_during_an_import_keeps_the_address() {
        let mut outcome = Outcome {
            taken: 3,
            already_here: 1,
            without_name: vec![id("ada"), id("bob")],
            not_taken: Vec::new(),
        };
        outcome.leave_out(vec![id("ada")]);
        let not_taken = NotTaken {
            user: Some(id("ada")),
            reason: Reason::EmailTaken,
        };
        let expected = Outcome {
            taken: 2,
            already_here: 1,
            without_name: vec![id("bob")],
            not_taken: vec![not_taken],
        };
        assert_eq!(outcome, expected);
    }
}
