//! Reads the users of the registry's first backend, from its MongoDB database or from a file that `mongodump` made of
//! its collection `users`.

use std::path::{Path, PathBuf};

use mongodb::{
    Database,
    bson::{RawBsonRef, RawDocument, RawDocumentBuf, doc, oid::ObjectId},
    options::ConnectionString,
};

use super::{
    connect::{close, connect},
    documents::{moment, read_id},
    driver::{failure, run, within},
};
use crate::{
    accounts::{
        email::Email,
        error::StoreError,
        import::{FormerUser, Profile},
        legacy::LegacyHash,
        name::Name,
    },
    server::settings::{Settings, WrongSetting},
};

/// Why the users cannot be read. The text contains no secret.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The connection string has no database.
    #[error("name the database after the host, as in mongodb://127.0.0.1:27017/fpmregistry")]
    NoDatabase,
    /// The connection string, or the server that it leads to, does not work.
    #[error("{}", of_argument(.0))]
    Unusable(WrongSetting),
    /// The same of the registry's own database.
    #[error(transparent)]
    OwnUnusable(WrongSetting),
    /// It is the database of this registry.
    #[error(
        "the source is the database of this registry: set MONGO_DB_NAME to another one, into which users are copied"
    )]
    OwnDatabase,
    /// The database failed.
    #[error("the source cannot be read: {}", .0.0)]
    Failed(StoreError),
    /// The file cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is something else.
    #[error("{0}: not a .bson file as mongodump makes it without --gzip, or one that was cut")]
    NotBson(PathBuf),
    /// There is nobody.
    #[error("there are no users in the source")]
    NoUsers,
}

/// What is said of the setting, said of the argument.
fn of_argument(wrong: &WrongSetting) -> String {
    wrong.to_string().replacen("MONGO_URI", "the source", 1)
}

/// Reads all users of a database, if `source` is a MongoDB connection string, or else of a file.
///
/// Nothing is written there. The database of the registry itself is refused: the users would be taken for users of
/// today, and the first backend could not go on with them.
pub async fn read(source: &str, settings: &Settings) -> Result<Vec<FormerUser>, SourceError> {
    let is_uri = source.starts_with("mongodb://") || source.starts_with("mongodb+srv://");
    let users = match is_uri {
        true => read_database(source, settings).await?,
        false => read_file(Path::new(source)).await?,
    };
    match users.is_empty() {
        true => Err(SourceError::NoUsers),
        false => Ok(users),
    }
}

async fn read_database(uri: &str, settings: &Settings) -> Result<Vec<FormerUser>, SourceError> {
    let name = ConnectionString::parse(uri).ok();
    let name = name.and_then(|parsed| parsed.default_database);
    let name = name.ok_or(SourceError::NoDatabase)?;
    let source = connect(uri, &name).await.map_err(SourceError::Unusable)?;
    let users = match is_own(&source, settings).await {
        Ok(false) => read_users(&source).await.map_err(SourceError::Failed),
        Ok(true) => Err(SourceError::OwnDatabase),
        Err(error) => Err(error),
    };
    close(source.client()).await;
    users
}

/// Whether it is the database that this registry uses, by whatever address; known before anything is changed there.
async fn is_own(source: &Database, settings: &Settings) -> Result<bool, SourceError> {
    let name = &settings.mongo_db_name;
    let (Some(uri), true) = (&settings.mongo_uri, source.name() == name) else {
        return Ok(false);
    };
    let own = connect(uri, name).await.map_err(SourceError::OwnUnusable)?;
    let is_own = have_one_server(source, &own).await;
    close(own.client()).await;
    is_own.map_err(SourceError::Failed)
}

async fn have_one_server(one: &Database, other: &Database) -> Result<bool, StoreError> {
    Ok(process(one).await? == process(other).await?)
}

/// The process of the server that would be written to. None if the server is of a kind that does not tell.
async fn process(database: &Database) -> Result<Option<ObjectId>, StoreError> {
    let hello = run(database.run_command(doc! { "hello": 1 })).await?;
    let topology = hello.get_document("topologyVersion").ok();
    Ok(topology.and_then(|topology| topology.get_object_id("processId").ok()))
}

async fn read_users(source: &Database) -> Result<Vec<FormerUser>, StoreError> {
    let users = source.collection::<RawDocumentBuf>("users");
    let mut found = run(users.find(doc! {}).sort(doc! { "_id": 1 })).await?;
    let mut users = Vec::new();
    while within(found.advance()).await?.map_err(failure)? {
        users.push(former_user(found.current()));
    }
    Ok(users)
}

async fn read_file(path: &Path) -> Result<Vec<FormerUser>, SourceError> {
    let file = |error| SourceError::File(path.to_owned(), error);
    let bytes = tokio::fs::read(path).await.map_err(file)?;
    let mut rest = &bytes[..];
    let mut users = Vec::new();
    while !rest.is_empty() {
        let not_bson = || SourceError::NotBson(path.to_owned());
        let (document, others) = split_document(rest).ok_or_else(not_bson)?;
        users.push(former_user(document));
        rest = others;
    }
    Ok(users)
}

/// The first of the documents that follow each other, and the others.
fn split_document(bytes: &[u8]) -> Option<(&RawDocument, &[u8])> {
    let length = i32::from_le_bytes(*bytes.first_chunk()?);
    let (document, others) = bytes.split_at_checked(length.try_into().ok()?)?;
    Some((RawDocument::from_bytes(document).ok()?, others))
}

fn former_user(document: &RawDocument) -> FormerUser {
    let text = |name| document.get_str(name).unwrap_or_default();
    let at = |name| document.get_datetime(name).ok().map(moment);
    FormerUser {
        id: has_plain_id(document).then(|| read_id(document)).flatten(),
        email: Email::parse(text("email")).ok(),
        password: LegacyHash::parse(text("password")),
        is_admin: has_role(document, "admin"),
        profile: Profile {
            name: Name::parse(text("username")).ok(),
            is_verified: document.get_bool("isVerified").unwrap_or_default(),
            created_at: at("createdAt").unwrap_or_default(),
            login_at: at("loginAt").unwrap_or_default(),
            last_logout: at("lastLogout"),
        },
    }
}

/// Whether the id names a user in commands and in the log: no document, nothing that looks like an address, one line.
fn has_plain_id(document: &RawDocument) -> bool {
    match document.get("_id") {
        Ok(Some(RawBsonRef::String(text))) => !text.contains(|c: char| c == '@' || c.is_control()),
        Ok(Some(id)) => matches!(
            id,
            RawBsonRef::ObjectId(_)
                | RawBsonRef::Int32(_)
                | RawBsonRef::Int64(_)
                | RawBsonRef::Binary(_)
        ),
        _ => false,
    }
}

/// Whether it is among the roles, a list or a text: both mean it, as the first backend asks.
fn has_role(document: &RawDocument, role: &str) -> bool {
    match document.get("roles") {
        Ok(Some(RawBsonRef::Array(roles))) => roles
            .into_iter()
            .any(|item| item.is_ok_and(|item| item.as_str() == Some(role))),
        Ok(Some(RawBsonRef::String(roles))) => roles.contains(role),
        _ => false,
    }
}
