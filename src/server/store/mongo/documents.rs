//! Users and mails as documents. Reading tolerates whatever an older backend wrote: an error would reveal which accounts
//! exist. Writing a user sets only the fields that differ, so that those of other versions survive.

use mongodb::bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype};
use serde_json::Value;

use crate::accounts::{
    clock::Timestamp,
    email::Email,
    id::{Handle, UserId},
    mail::{MailId, MailKind, QueuedMail},
    password::PasswordHash,
    store::Visitor,
    token::Digest,
    user::{Device, ResetLink, Session, Unknown, User},
};

/// The document of a new user.
pub(super) fn user_document(user: &User) -> Document {
    let mut document = doc! { "_id": id_bson(&user.id), "rev": 1_i64 };
    let fields = fields(user).into_iter();
    document.extend(fields.filter_map(|(name, value)| Some((name.to_owned(), value?))));
    document
}

/// The fields of a user; none for one that is unset.
fn fields(user: &User) -> [(&'static str, Option<Bson>); 10] {
    let moment = |at: Timestamp| Bson::from(date(at));
    let reset = user.reset.as_ref();
    [
        ("name", Some(user.name.as_str().into())),
        ("email", Some(user.email.as_str().into())),
        ("password", Some(user.password.as_str().into())),
        ("createdAt", Some(moment(user.created_at))),
        ("loginAt", Some(moment(user.login_at))),
        ("lastLogout", user.last_logout.map(moment)),
        ("sessions", Some(array(&user.sessions, session_document))),
        ("devices", Some(array(&user.devices, device_document))),
        ("reset", reset.map(|reset| reset_document(reset).into())),
        (
            "notices",
            (!user.notices.is_empty()).then(|| array(&user.notices, mail_document)),
        ),
    ]
}

/// Reads a user. None without a valid e-mail. A password that is not text becomes an empty hash, which never matches.
pub(super) fn read_user(document: &Document) -> Option<User> {
    Some(User {
        id: read_id(document)?,
        rev: read_rev(document),
        name: text(document, "name"),
        email: Email::parse(&text(document, "email")).ok()?,
        password: PasswordHash::from_stored(text(document, "password")),
        created_at: read_date(document, "createdAt"),
        login_at: read_date(document, "loginAt"),
        last_logout: document
            .get_datetime("lastLogout")
            .is_ok()
            .then(|| read_date(document, "lastLogout")),
        sessions: items(document, "sessions", read_session),
        devices: items(document, "devices", read_device),
        reset: document.get_document("reset").ok().and_then(read_reset),
        notices: items(document, "notices", read_mail),
        unknown: Unknown::new(),
    })
}

/// The fields a [`Visitor`] is read from, if the session is found by its digest.
pub(super) fn visitor_fields() -> Document {
    doc! { "name": 1, "email": 1, "sessions.$": 1 }
}

/// Reads a [`Visitor`].
pub(super) fn read_visitor(document: &Document) -> Option<Visitor> {
    Some(Visitor {
        id: read_id(document)?,
        name: text(document, "name"),
        email: Email::parse(&text(document, "email")).ok()?,
        session: items(document, "sessions", read_session).pop()?,
    })
}

/// The update from `before` to `after`. None if they are the same.
pub(super) fn user_update(before: &User, after: &User) -> Option<Document> {
    let (mut set, mut unset) = (Document::new(), Document::new());
    for ((name, old), (_, new)) in fields(before).into_iter().zip(fields(after)) {
        match new {
            new if new == old => {}
            Some(new) => drop(set.insert(name, new)),
            None => drop(unset.insert(name, 1)),
        }
    }
    if set.is_empty() && unset.is_empty() {
        return None;
    }
    set.insert("rev", before.rev.unwrap_or_default() + 1);
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Some(update)
}

/// The filter for a user who has not changed since it was read. It includes the password, since processes of an older
/// version change it without changing `rev`.
pub(super) fn unchanged_filter(user: &User) -> Document {
    let mut same = doc! { "_id": id_bson(&user.id) };
    match user.rev {
        Some(rev) => same.insert("rev", rev),
        None => same.insert("rev", doc! { "$not": { "$type": "number" } }),
    };
    if !user.password.as_str().is_empty() {
        same.insert("password", user.password.as_str());
    }
    same
}

/// The `_id` of a user: an ObjectId, or whatever another program chose.
pub(super) fn id_bson(id: &UserId) -> Bson {
    if let Ok(id) = ObjectId::parse_str(id.as_str()) {
        return id.into();
    }
    let foreign = serde_json::from_str::<Value>(id.as_str()).ok();
    let foreign = foreign.and_then(|value| Bson::try_from(value).ok());
    foreign.unwrap_or_else(|| id.as_str().into())
}

fn read_id(document: &Document) -> Option<UserId> {
    let id = document.get("_id")?;
    Some(UserId::from_stored(match id {
        Bson::ObjectId(id) => id.to_hex(),
        other => other.clone().into_canonical_extjson().to_string(),
    }))
}

fn read_rev(document: &Document) -> Option<i64> {
    match document.get("rev")? {
        Bson::Int64(rev) => Some(*rev),
        Bson::Int32(rev) => Some((*rev).into()),
        Bson::Double(rev) => Some(*rev as i64),
        _ => None,
    }
}

fn session_document(session: &Session) -> Document {
    let mut document = unknown_document(&session.unknown);
    document.extend(doc! {
        "handle": session.handle.as_str(),
        "digest": digest_binary(&session.digest),
        "createdAt": date(session.created_at),
        "usedAt": date(session.used_at),
        "expiresAt": date(session.expires_at),
        "userAgent": &session.user_agent,
    });
    document
}

fn read_session(document: &Document) -> Option<Session> {
    const KNOWN: [&str; 6] = [
        "handle",
        "digest",
        "createdAt",
        "usedAt",
        "expiresAt",
        "userAgent",
    ];
    let digest = read_digest(document)?;
    let handle = document.get_str("handle").ok();
    Some(Session {
        handle: handle.map_or_else(
            || Handle::of_older(&digest),
            |handle| Handle::from_stored(handle.to_owned()),
        ),
        digest,
        created_at: read_date(document, "createdAt"),
        used_at: read_date(document, "usedAt"),
        expires_at: read_date(document, "expiresAt"),
        user_agent: text(document, "userAgent"),
        unknown: unknown(document, &KNOWN),
    })
}

fn device_document(device: &Device) -> Document {
    let mut document = unknown_document(&device.unknown);
    document.extend(doc! {
        "digest": digest_binary(&device.digest),
        "createdAt": date(device.created_at),
    });
    document
}

fn read_device(document: &Document) -> Option<Device> {
    Some(Device {
        digest: read_digest(document)?,
        created_at: read_date(document, "createdAt"),
        unknown: unknown(document, &["digest", "createdAt"]),
    })
}

fn reset_document(reset: &ResetLink) -> Document {
    doc! { "digest": digest_binary(&reset.digest), "expiresAt": date(reset.expires_at) }
}

fn read_reset(document: &Document) -> Option<ResetLink> {
    Some(ResetLink {
        digest: read_digest(document)?,
        expires_at: read_date(document, "expiresAt"),
    })
}

/// The fields of an array element that this version does not know. They are written back unchanged.
fn unknown(document: &Document, known: &[&str]) -> Unknown {
    let fields = document.iter();
    fields
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone().into_canonical_extjson()))
        .collect()
}

fn unknown_document(unknown: &Unknown) -> Document {
    let fields = unknown.iter();
    fields
        .filter_map(|(name, value)| Some((name.clone(), Bson::try_from(value.clone()).ok()?)))
        .collect()
}

/// The elements of an array that can be read. Empty if the field is not an array.
fn items<T>(document: &Document, field: &str, read: impl Fn(&Document) -> Option<T>) -> Vec<T> {
    let items = document.get_array(field).into_iter().flatten();
    items
        .filter_map(Bson::as_document)
        .filter_map(read)
        .collect()
}

fn array<T>(items: &[T], document: impl Fn(&T) -> Document) -> Bson {
    Bson::Array(items.iter().map(|item| document(item).into()).collect())
}

fn text(document: &Document, field: &str) -> String {
    document.get_str(field).unwrap_or_default().to_owned()
}

fn read_digest(document: &Document) -> Option<Digest> {
    let bytes = document.get_binary_generic("digest").ok()?;
    Some(Digest::from_bytes(bytes.as_slice().try_into().ok()?))
}

pub(super) fn mail_document(mail: &QueuedMail) -> Document {
    let mut document = mail_filter(&mail.id);
    document.extend(doc! {
        "kind": mail.kind.word(),
        "to": mail.to.as_str(),
        "queuedAt": date(mail.queued_at),
        "attempts": mail.attempts,
        "dueAt": date(mail.queued_at),
        "leased": false,
    });
    document
}

pub(super) fn read_mail(document: &Document) -> Option<QueuedMail> {
    let Some(Bson::Binary(id)) = document.get("_id") else {
        return None;
    };
    Some(QueuedMail {
        id: MailId::from_bytes(id.bytes.as_slice().try_into().ok()?),
        kind: MailKind::of_word(document.get_str("kind").ok()?)?,
        to: Email::parse(document.get_str("to").ok()?).ok()?,
        queued_at: read_date(document, "queuedAt"),
        attempts: document.get_i32("attempts").ok()?.try_into().ok()?,
    })
}

pub(super) fn mail_filter(id: &MailId) -> Document {
    let bytes = id.as_bytes().to_vec();
    doc! { "_id": Binary { subtype: BinarySubtype::Uuid, bytes } }
}

pub(super) fn digest_binary(digest: &Digest) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: digest.as_bytes().to_vec(),
    }
}

pub(super) fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.millis())
}

/// The date in a field, or [`Timestamp::PAST`] if it has none.
pub(super) fn read_date(document: &Document, field: &str) -> Timestamp {
    document
        .get_datetime(field)
        .map(|date| Timestamp::from_millis(date.timestamp_millis()))
        .unwrap_or_default()
}
