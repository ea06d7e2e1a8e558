//! The declaration of what is stored, with the names of its fields.
//!
//! Two versions of the program may work on one database at once. So a record keeps what it does not know: further
//! fields, and words of a closed set that a later version has added to it.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, de, de::value::BorrowedStrDeserializer};
use serde_json::{Map, Value};

/// Fields that this version does not know, which another version or another program wrote. They stay as they are.
pub type Unknown = Map<String, Value>;

/// A text that is borrowed if it can be.
#[derive(Deserialize)]
pub(super) struct Text<'t>(#[serde(borrow)] pub Cow<'t, str>);

/// A word of a closed set.
pub trait Word: Sized {
    /// Stands for every word that a later version has added.
    const LATER: Self;

    /// The value of a word; none if this version does not know it.
    fn parse(word: &str) -> Option<Self>;
}

/// Declares a record: `"name" mode field: Type` for each field, where the mode is one of
/// - `required`: there is no record without it;
/// - `default`: the default if it is missing;
/// - `optional`: the same, and it is not written if it is the default;
/// - `word`: a [`Word`], which stays as it is if it is not known;
/// - `optional_word`: the same or the default.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $record:ident {
            $( $(#[$doc:meta])* $name:literal $mode:ident $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $record {
            $( $(#[$doc])* pub $field: $type, )*
            /// What else the record holds.
            pub unknown: $crate::accounts::record::Unknown,
        }

        impl serde::Serialize for $record {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut fields = serializer.serialize_map(None)?;
                $(
                    if $crate::accounts::record::is_written!($mode self $name $field) {
                        fields.serialize_entry($name, &self.$field)?;
                    }
                )*
                for (name, value) in &self.unknown {
                    fields.serialize_entry(name, value)?;
                }
                fields.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $record {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $record;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(stringify!($record))
                    }

                    fn visit_map<M: serde::de::MapAccess<'de>>(
                        self,
                        mut map: M,
                    ) -> Result<$record, M::Error> {
                        use $crate::accounts::record::{Text, Unknown, or_default, read_field};
                        $( let mut $field: Option<$type> = None; )*
                        let mut unknown = Unknown::new();
                        while let Some(Text(name)) = map.next_key()? {
                            match &*name {
                                $( $name => {
                                    $field = Some(read_field!($mode map unknown $name));
                                } )*
                                _ => {
                                    unknown.insert(name.into_owned(), map.next_value()?);
                                }
                            }
                        }
                        Ok($record {
                            $( $field: or_default!($mode $field $name), )*
                            unknown,
                        })
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
}

macro_rules! is_written {
    (optional $record:ident $name:literal $field:ident) => {
        !$crate::accounts::record::is_default(&$record.$field)
    };
    (word $record:ident $name:literal $field:ident) => {
        !$record.unknown.contains_key($name)
    };
    (optional_word $record:ident $name:literal $field:ident) => {
        !$crate::accounts::record::is_default(&$record.$field)
            && !$record.unknown.contains_key($name)
    };
    ($mode:ident $record:ident $name:literal $field:ident) => {
        true
    };
}

macro_rules! read_field {
    (word $map:ident $unknown:ident $name:literal) => {
        $crate::accounts::record::read_word($map.next_value()?, $name, &mut $unknown)
    };
    (optional_word $map:ident $unknown:ident $name:literal) => {{
        let word: Option<Text<'_>> = $map.next_value()?;
        word.map(|word| $crate::accounts::record::read_word(word, $name, &mut $unknown))
    }};
    ($mode:ident $map:ident $unknown:ident $name:literal) => {
        $map.next_value()?
    };
}

macro_rules! or_default {
    (required $field:ident $name:literal) => {
        $field.ok_or_else(|| serde::de::Error::missing_field($name))?
    };
    (word $field:ident $name:literal) => {
        $crate::accounts::record::or_default!(required $field $name)
    };
    ($mode:ident $field:ident $name:literal) => {
        $field.unwrap_or_default()
    };
}

/// The value of a word; one that is not known is kept under its name.
pub(super) fn read_word<W: Word>(Text(word): Text<'_>, name: &str, unknown: &mut Unknown) -> W {
    W::parse(&word).unwrap_or_else(|| {
        unknown.insert(name.to_owned(), (*word).into());
        W::LATER
    })
}

/// Why a word has no value, without a text: such words are no mistake, and many are read.
#[derive(Debug, thiserror::Error)]
#[error("no such word")]
struct NotKnown;

impl de::Error for NotKnown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The value that serde has for a word.
pub(super) fn parse_word<'w, W: Word + Deserialize<'w> + PartialEq>(word: &'w str) -> Option<W> {
    let value = W::deserialize(BorrowedStrDeserializer::<NotKnown>::new(word)).ok();
    value.filter(|value| *value != W::LATER)
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(super) use {is_written, or_default, read_field, record};
