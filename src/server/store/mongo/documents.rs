//! Records as documents, by one rule for all: fields keep their names, moments become dates, digests binaries, and an
//! id is `_id`. So a new field of a record needs nothing here.
//!
//! Users are read with tolerance for what an older backend wrote, since an error would tell such accounts apart. Of a
//! user only the fields that differ are written, so that what another version wrote survives.

use mongodb::bson::{
    Binary, Bson, DateTime, Document, RawBsonRef, RawDocument, doc, oid::ObjectId,
    spec::BinarySubtype,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::records::{Record, is_moment, text_of_id};
use crate::accounts::{
    challenge::Challenge,
    clock::Timestamp,
    email::Email,
    error::StoreError,
    id::{Handle, UserId},
    mail::{MailId, MailState, OutboxMail, QueuedMail},
    record::Unknown,
    store::UserRecord,
    token::Digest,
    user::{
        Confirmation, Device, FormerFactors, HeldAddress, NotMeLink, PendingLogin, PendingTotp,
        ResetLink, Session, UploadToken, User, event::Event,
    },
};

type Fields = Map<String, Value>;

/// The document of a record.
pub(super) fn document(record: &impl Serialize) -> Result<Document, StoreError> {
    match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => Ok(to_document(fields)),
        _ => Err(StoreError("a record makes no document".to_owned())),
    }
}

fn to_document(fields: Fields) -> Document {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    let fields = fields.map(|(name, value)| match (name.as_str(), &value) {
        ("id", Value::String(id)) => ("_id".to_owned(), id_of_text(id)),
        _ => (name.clone(), to_bson(&name, value)),
    });
    fields.collect()
}

fn to_bson(name: &str, value: Value) -> Bson {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(millis) if is_moment(name) => DateTime::from_millis(millis).into(),
            Some(number) => number.into(),
            None => number.as_f64().into(),
        },
        Value::String(text) if name == "digest" => match Digest::parse(&text) {
            Some(digest) => digest_binary(&digest).into(),
            None => Bson::Null,
        },
        Value::Array(items) => items.into_iter().map(|item| to_bson(name, item)).collect(),
        Value::Object(fields) if !is_extended(&fields) => to_document(fields).into(),
        other => Bson::try_from(other).unwrap_or(Bson::Null),
    }
}

/// Whether this stands for a value that JSON does not know.
fn is_extended(fields: &Fields) -> bool {
    fields.keys().any(|name| name.starts_with('$'))
}

/// The document of a new user.
pub(super) fn user_document(user: &User) -> Result<Document, StoreError> {
    let mut document = user_fields(user)?;
    document.insert("rev", 1_i64);
    Ok(document)
}

/// The fields of a user, with all addresses in one, which a unique index keeps from others.
fn user_fields(user: &User) -> Result<Document, StoreError> {
    let mut document = document(user)?;
    let addresses: Vec<&str> = user.addresses().map(Email::as_str).collect();
    document.insert("addresses", addresses);
    Ok(document)
}

/// What stays of a user who was deleted, and the mail that is yet to be sent.
pub(super) fn tombstone(
    user: &User,
    now: Timestamp,
    last_mail: Option<&QueuedMail>,
) -> Result<Document, StoreError> {
    let notices = last_mail.map(document).transpose()?;
    let mut tombstone = doc! { "_id": id_bson(&user.id), "deletedAt": date(now) };
    if let Some(notice) = notices {
        tombstone.insert("notices", vec![notice]);
    }
    Ok(tombstone)
}

/// The mails that lie with a user.
pub(super) fn read_notices(document: &RawDocument) -> Vec<QueuedMail> {
    let notices = document.get_array("notices").into_iter().flatten();
    let notices = notices.filter_map(|notice| read_mail(notice.ok()?.as_document()?));
    notices.collect()
}

/// Reads a user; a password that is no text is a hash nobody can match. None without an e-mail.
pub(super) fn read_user(document: &RawDocument) -> Option<User> {
    // What a later version keeps beside these fields is never written.
    Some(User {
        unknown: Unknown::new(),
        ..read_all_fields(document)?
    })
}

/// Reads what the database has of a user, all that other versions and programs wrote too.
pub(super) fn read_record(document: &RawDocument) -> Option<UserRecord> {
    if let Ok(at) = document.get_datetime("deletedAt") {
        return Some(UserRecord::Deleted {
            id: read_id(document)?,
            at: moment(at),
        });
    }
    let mut user = read_all_fields(document)?;
    // Written anew from the fields that it is made of.
    user.unknown.remove("addresses");
    Some(UserRecord::User(Box::new(user)))
}

/// The document of a record that a backup has.
pub(super) fn record_document(record: &UserRecord) -> Result<Document, StoreError> {
    match record {
        UserRecord::User(user) => user_document(user),
        UserRecord::Deleted { id, at } => Ok(doc! { "_id": id_bson(id), "deletedAt": date(*at) }),
    }
}

/// The id of a document.
pub(super) fn read_id(document: &RawDocument) -> Option<UserId> {
    let id = document.get("_id").ok()??;
    Some(UserId::from_stored(text_of_id(id)))
}

fn read_all_fields(document: &RawDocument) -> Option<User> {
    if has_null_factor(document) {
        return None;
    }
    let text = |name| document.get_str(name).unwrap_or_default();
    let email = Email::parse(document.get_str("email").ok()?).ok()?;
    let schema = read_number(document, "schema");
    let schema = schema.and_then(|schema| u32::try_from(schema).ok());
    let schema = schema.unwrap_or_default();
    let instead = [
        ("email", email.as_str().into()),
        ("name", text("name").into()),
        ("password", text("password").into()),
        ("rev", read_number(document, "rev").into()),
        ("schema", schema.into()),
        // Whoever was disabled by hand is disabled, whatever was written.
        ("disabledAt", 0.into()),
    ];
    let instead = match has_odd_disabled(document) {
        true => &instead[..],
        false => &instead[..instead.len() - 1],
    };
    let json = Record { document, instead }.json()?;
    // Most documents are as this program writes them.
    let user = serde_json::from_str(&json).ok();
    user.or_else(|| read_older(serde_json::from_str(&json).ok()?))
}

/// Whether there is null in the place of second factors. No program writes it: they cannot be read, rather than are none.
fn has_null_factor(document: &RawDocument) -> bool {
    let mut factors = ["totp", "passkeys"].into_iter();
    factors.any(|name| matches!(document.get(name), Ok(Some(RawBsonRef::Null))))
}

fn has_odd_disabled(document: &RawDocument) -> bool {
    let disabled_at = document.get("disabledAt").ok().flatten();
    let is_odd = |value| {
        !matches!(
            value,
            RawBsonRef::DateTime(_) | RawBsonRef::Null | RawBsonRef::Boolean(false)
        )
    };
    disabled_at.is_some_and(is_odd)
}

/// Reads a user without the items of lists that cannot be read. They go when their list is written next: a session that
/// this program cannot read must not outlive the end of all.
fn read_older(mut fields: Fields) -> Option<User> {
    for session in fields
        .get_mut("sessions")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        give_handle(session);
    }
    keep_readable::<Session>(&mut fields, "sessions");
    keep_readable::<Device>(&mut fields, "devices");
    keep_readable::<QueuedMail>(&mut fields, "notices");
    keep_readable::<HeldAddress>(&mut fields, "held");
    keep_readable::<NotMeLink>(&mut fields, "notMe");
    keep_readable::<UploadToken>(&mut fields, "uploadTokens");
    keep_readable::<PendingLogin>(&mut fields, "pendingLogins");
    keep_readable::<FormerFactors>(&mut fields, "formerFactors");
    keep_readable::<Event>(&mut fields, "events");
    keep_if_readable::<ResetLink>(&mut fields, "reset");
    keep_if_readable::<bool>(&mut fields, "passwordBreached");
    keep_if_readable::<Confirmation>(&mut fields, "confirmation");
    keep_if_readable::<PendingTotp>(&mut fields, "pendingTotp");
    User::deserialize(Value::Object(fields)).ok()
}

/// Drops what is no item of a list, and the list if it is none.
fn keep_readable<T: DeserializeOwned>(fields: &mut Fields, name: &str) {
    match fields.get_mut(name) {
        Some(Value::Array(items)) => items.retain(|item| T::deserialize(item).is_ok()),
        _ => drop(fields.remove(name)),
    }
}

/// Drops a field that is not what it should be.
fn keep_if_readable<T: DeserializeOwned>(fields: &mut Fields, name: &str) {
    let value = fields.get(name);
    if value.is_some_and(|value| T::deserialize(value).is_err()) {
        fields.remove(name);
    }
}

/// Gives a session its handle that was begun when sessions had none.
fn give_handle(session: &mut Value) {
    let digest = session
        .get("digest")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let (None, Some(digest)) = (session.get("handle"), Digest::parse(digest)) {
        session["handle"] = Handle::of_older(&digest).as_str().into();
    }
}

/// The fields that a [`Visitor`](crate::accounts::store::Visitor) is read from, and the credential that it was found by.
pub(super) fn visitor_fields(credential: &str) -> Document {
    doc! {
        "name": 1,
        "email": 1,
        "confirmedAt": 1,
        "passwordBreached": 1,
        "disabledAt": 1,
        credential: 1,
    }
}

/// The update that makes `after` of `before`; none if they are the same.
pub(super) fn user_update(before: &User, after: &User) -> Result<Option<Document>, StoreError> {
    let (mut set, mut unset) = (user_fields(after)?, Document::new());
    for (name, old) in user_fields(before)? {
        match set.get(&name) {
            Some(new) if *new == old => drop(set.remove(&name)),
            Some(_) => {}
            None => drop(unset.insert(name, 1)),
        }
    }
    if set.is_empty() && unset.is_empty() {
        return Ok(None);
    }
    set.insert("rev", before.rev.unwrap_or_default() + 1);
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    Ok(Some(update))
}

/// Finds the user as it was read. A process of an older version changes the password without a word to `rev`.
pub(super) fn unchanged_filter(user: &User) -> Document {
    let mut same = doc! { "_id": id_of_text(user.id.as_str()) };
    match user.rev {
        Some(rev) => same.insert("rev", rev),
        None => same.insert("rev", doc! { "$not": { "$type": "number" } }),
    };
    if !user.password.as_str().is_empty() {
        same.insert("password", user.password.as_str());
    }
    same
}

fn read_number(document: &RawDocument, name: &str) -> Option<i64> {
    match document.get(name).ok()?? {
        RawBsonRef::Int64(number) => Some(number),
        RawBsonRef::Int32(number) => Some(number.into()),
        RawBsonRef::Double(number) => Some(number as i64),
        _ => None,
    }
}

pub(super) fn id_bson(id: &UserId) -> Bson {
    id_of_text(id.as_str())
}

/// The `_id` of a user, an ObjectId or whatever another program chose, or of a mail, a UUID.
fn id_of_text(text: &str) -> Bson {
    if let Ok(id) = ObjectId::parse_str(text) {
        return id.into();
    }
    if let Ok(id) = MailId::try_from(text.to_owned()) {
        return mail_id(&id);
    }
    let foreign = serde_json::from_str::<Value>(text).ok();
    let foreign = foreign.and_then(|value| Bson::try_from(value).ok());
    foreign.unwrap_or_else(|| text.into())
}

fn mail_id(id: &MailId) -> Bson {
    let bytes = id.as_bytes().to_vec();
    Binary {
        subtype: BinarySubtype::Uuid,
        bytes,
    }
    .into()
}

/// The document of a mail that is due at once.
pub(super) fn mail_document(mail: &QueuedMail) -> Result<Document, StoreError> {
    let mut document = document(mail)?;
    document.extend(doc! { "dueAt": date(mail.queued_at), "leased": false });
    Ok(document)
}

/// What the outbox keeps with a mail.
const OF_OUTBOX: [&str; 3] = ["dueAt", "leased", "parkedBecause"];

pub(super) fn read_mail(document: &RawDocument) -> Option<QueuedMail> {
    let json = Record::of(document).json()?;
    let mut mail: QueuedMail = serde_json::from_str(&json).ok()?;
    mail.unknown
        .retain(|name, _| !OF_OUTBOX.contains(&name.as_str()));
    Some(mail)
}

/// A mail in the outbox, and what becomes of it.
pub(super) fn read_outbox_mail(document: &RawDocument) -> Option<OutboxMail> {
    let due_at = moment(document.get_datetime("dueAt").unwrap_or(DateTime::MIN));
    let state = match (
        document.get_str("parkedBecause"),
        document.get_bool("leased"),
    ) {
        (Ok(reason), _) => MailState::Parked(reason.to_owned()),
        (_, Ok(true)) => MailState::Sending(due_at),
        _ => MailState::Waiting(due_at),
    };
    let mail = read_mail(document)?;
    Some(OutboxMail { mail, state })
}

pub(super) fn read_challenge(document: &RawDocument) -> Option<Challenge> {
    let json = Record::of(document).json()?;
    let challenge = serde_json::from_str(&json).ok()?;
    // What is beside these fields, as the database's own id, is never written.
    Some(Challenge {
        unknown: Unknown::new(),
        ..challenge
    })
}

pub(super) fn mail_filter(id: &MailId) -> Document {
    doc! { "_id": mail_id(id) }
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

pub(super) fn moment(date: DateTime) -> Timestamp {
    Timestamp::from_millis(date.timestamp_millis())
}

/// The moment in a field, the distant past if it holds none.
pub(super) fn read_date(document: &Document, field: &str) -> Timestamp {
    let date = document.get_datetime(field).ok();
    date.copied().map(moment).unwrap_or_default()
}
