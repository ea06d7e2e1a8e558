//! Documents as the JSON of records, by the rule of [`super::documents`] the other way round.

use data_encoding::HEXLOWER;
use mongodb::bson::{Bson, RawBinaryRef, RawBsonRef, RawDocument, spec::BinarySubtype};
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap, SerializeSeq},
};
use serde_json::Value;

use crate::accounts::token::{DIGEST_BYTES, Digest};

/// A document as the record it holds, for serde: fields of a type that no record has there are left out.
pub(super) struct Record<'d> {
    pub document: &'d RawDocument,
    /// Fields that take the place of the document's own.
    pub instead: &'d [(&'static str, Value)],
}

impl<'d> Record<'d> {
    pub(super) fn of(document: &'d RawDocument) -> Self {
        let instead = &[];
        Self { document, instead }
    }

    /// In JSON, as the embedded store keeps it.
    pub(super) fn json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        for field in self.document {
            let (name, value) = field.map_err(S::Error::custom)?;
            let name = name.as_str();
            let field = Field { name, value };
            if field.is_of_record() && self.instead.iter().all(|(other, _)| *other != name) {
                fields.serialize_entry(if name == "_id" { "id" } else { name }, &field)?;
            }
        }
        for (name, value) in self.instead {
            fields.serialize_entry(name, value)?;
        }
        fields.end()
    }
}

/// A value in a document, and the name of the field that it or its list has.
struct Field<'d> {
    name: &'d str,
    value: RawBsonRef<'d>,
}

impl Field<'_> {
    /// Whether a record may have such a value there.
    fn is_of_record(&self) -> bool {
        match self.value {
            RawBsonRef::Null => false,
            RawBsonRef::Binary(binary) if self.name == "digest" => {
                binary.bytes.len() == DIGEST_BYTES
            }
            RawBsonRef::DateTime(_) => true,
            _ => !is_moment(self.name),
        }
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.name, self.value) {
            ("_id", id) => text_of_id(id).serialize(serializer),
            (name, RawBsonRef::DateTime(date)) if is_moment(name) => {
                date.timestamp_millis().serialize(serializer)
            }
            ("digest", RawBsonRef::Binary(RawBinaryRef { bytes, .. })) => {
                let bytes = bytes.try_into().map_err(S::Error::custom)?;
                Digest::from_bytes(bytes).serialize(serializer)
            }
            (_, RawBsonRef::String(text)) => text.serialize(serializer),
            (_, RawBsonRef::Int64(number)) => number.serialize(serializer),
            ("attempts", RawBsonRef::Int32(number)) => number.serialize(serializer),
            (_, RawBsonRef::Document(document)) => Record::of(document).serialize(serializer),
            (name, RawBsonRef::Array(items)) => {
                let mut list = serializer.serialize_seq(None)?;
                for value in items {
                    let value = value.map_err(S::Error::custom)?;
                    let item = Field { name, value };
                    if item.is_of_record() {
                        list.serialize_element(&item)?;
                    }
                }
                list.end()
            }
            (_, other) => extended_json(other).serialize(serializer),
        }
    }
}

/// A value that JSON does not know.
fn extended_json(value: RawBsonRef<'_>) -> Option<Value> {
    Some(Bson::try_from(value).ok()?.into_canonical_extjson())
}

pub(super) fn text_of_id(id: RawBsonRef<'_>) -> String {
    match id {
        RawBsonRef::ObjectId(id) => id.to_hex(),
        RawBsonRef::Binary(RawBinaryRef {
            subtype: BinarySubtype::Uuid,
            bytes,
        }) if bytes.len() == 16 => HEXLOWER.encode(bytes),
        other => extended_json(other).unwrap_or_default().to_string(),
    }
}

/// Whether a field of this name holds a moment.
pub(super) fn is_moment(name: &str) -> bool {
    name == "at" || name == "lastLogout" || name.ends_with("At")
}
