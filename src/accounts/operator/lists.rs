//! Lists of users, and of what has happened to them. They read all users: for an operator, not for a route.

use serde_json::{Value, json};

use super::{
    MAX_ROWS,
    request::{EventFilter, NotDone, Report, UserFilter},
};
use crate::accounts::{
    Accounts, export,
    id::UserId,
    lifetimes::HOUR,
    store::UserRecord,
    user::{User, event::Event},
};

/// How many records are read at once.
const PAGE: usize = 500;

impl Accounts {
    /// The users that match, in the order of their ids.
    pub(super) async fn list_users(&self, filter: UserFilter) -> Result<Report, NotDone> {
        let mut after = filter.after.clone().map(UserId::from_stored);
        let (mut users, mut unreadable) = (Vec::new(), 0);
        let next = loop {
            let page = self.page(after.as_ref()).await?;
            let matching = page.users.iter().filter(|user| filter.matches(user));
            users.extend(matching.map(row));
            unreadable += page.unreadable;
            if page.last.is_none() || users.len() + PAGE > MAX_ROWS {
                break page.last;
            }
            after = page.last;
        };
        Ok(Report {
            sentence: match next {
                Some(_) => format!("The next {} users, more may come after them", users.len()),
                None => format!("Users: {}", users.len()),
            },
            facts: json!({ "users": users, "unreadable": unreadable, "next": next }),
        })
    }

    /// What has happened to one user or to all, the newest first.
    pub(super) async fn list_events(&self, filter: EventFilter) -> Result<Report, NotDone> {
        let since = filter
            .hours
            .map(|hours| self.clock.now().minus(HOUR * hours));
        let matches = |event: &Event| {
            since.is_none_or(|since| event.at >= since)
                && filter.kind.is_none_or(|kind| event.kind == kind)
        };
        let mut events = Vec::new();
        let mut add = |user: User| {
            let of_user = user.events.into_iter().filter(matches);
            events.extend(of_user.map(|event| (user.id.clone(), event)));
            if events.len() > 2 * MAX_ROWS {
                keep_newest(&mut events);
            }
        };
        let mut unreadable = 0;
        match &filter.who {
            Some(who) => {
                let user = self.user_named(who).await?;
                add(user.ok_or_else(|| NotDone::NoSuchUser(who.clone()))?);
            }
            None => {
                let mut after = None;
                loop {
                    let page = self.page(after.as_ref()).await?;
                    page.users.into_iter().for_each(&mut add);
                    unreadable += page.unreadable;
                    match page.last {
                        None => break,
                        next => after = next,
                    }
                }
            }
        }
        keep_newest(&mut events);
        let rows: Vec<_> = events.iter().map(event_row).collect();
        Ok(Report {
            sentence: match events.len() {
                MAX_ROWS => format!("The newest {MAX_ROWS} events"),
                count => format!("Events: {count}"),
            },
            facts: json!({ "events": rows, "unreadable": unreadable }),
        })
    }

    /// The next users.
    pub(super) async fn page(&self, after: Option<&UserId>) -> Result<Page, NotDone> {
        let scanned = self.store.scan(after, PAGE).await?;
        let users = scanned
            .records
            .into_iter()
            .filter_map(|record| match record {
                UserRecord::User(user) => Some(*user),
                UserRecord::Deleted { .. } => None,
            });
        Ok(Page {
            users: users.collect(),
            unreadable: scanned.unreadable.len(),
            last: scanned.last,
        })
    }
}

/// Some of the users.
pub(super) struct Page {
    pub users: Vec<User>,
    /// How many beside them cannot be read.
    pub unreadable: usize,
    /// The id after which there are more.
    pub last: Option<UserId>,
}

impl UserFilter {
    fn matches(&self, user: &User) -> bool {
        let has = |text: &String| {
            let text = text.to_lowercase();
            user.name.to_lowercase().contains(&text) || user.email.as_str().contains(&text)
        };
        self.text.as_ref().is_none_or(has)
            && (!self.disabled || user.disabled_at.is_some())
            && (!self.unconfirmed || user.confirmed_at.is_none())
            && (!self.losing_second_factors || user.second_factors_end_at.is_some())
    }
}

fn keep_newest(events: &mut Vec<(UserId, Event)>) {
    events.sort_by_key(|(_, event)| std::cmp::Reverse(event.at));
    events.truncate(MAX_ROWS);
}

fn row(user: &User) -> Value {
    json!({
        "user": user.id,
        "name": user.name,
        "email": user.email,
        "email_confirmed": user.confirmed_at.is_some(),
        "created_at": user.created_at.rfc3339(),
        "login_at": user.login_at.rfc3339(),
        "disabled": user.disabled_at.is_some(),
        "second_factors_end_at": user.second_factors_end_at.map(|at| at.rfc3339()),
    })
}

fn event_row((user, event): &(UserId, Event)) -> Value {
    let mut row = export::event(event);
    row["user"] = json!(user);
    row
}
