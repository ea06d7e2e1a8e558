//! An upload token is read if its checksum holds, and its scope is good for what it says and nothing more.

use fpm_registry::accounts::{
    package::{PackageName, Packages},
    upload_token_text::UploadTokenText,
};

const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const NAME_CHARS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_";

/// The first line of the input is a scope, the others are packages, and each is the text of a token.
pub fn check(input: &str) {
    for line in input.split('\n') {
        check_text(line);
        check_name(line);
    }
    check_texts_like(&whole(&body_of(input)), input);

    let (scope, packages) = input.split_once('\n').unwrap_or((input, ""));
    check_scope(scope, packages);
}

fn check_text(text: &str) {
    let read = UploadTokenText::parse(text);
    assert_eq!(
        read.as_ref().map(UploadTokenText::reveal),
        is_whole(text).then_some(text)
    );
    if let Some(read) = read {
        assert_eq!(read.last4(), text[38..]);
    }
}

/// Whether a text is `fpm_`, 32 digits of base62, and six more that are the CRC-32 of what is before them.
fn is_whole(text: &str) -> bool {
    text.get(..36).is_some_and(|body| {
        let digits = body.strip_prefix("fpm_");
        digits.is_some_and(|digits| digits.chars().all(|char| BASE62.contains(char)))
            && text == whole(body)
    })
}

/// A body with its checksum.
fn whole(body: &str) -> String {
    let crc = crc32(body.as_bytes());
    let digit = |power| {
        let value = crc / 62_u64.pow(power) % 62;
        char::from(BASE62.as_bytes()[value as usize])
    };
    let checksum: String = (0..6).rev().map(digit).collect();
    body.to_owned() + &checksum
}

/// CRC-32 as of ISO 3309, a bit at a time.
fn crc32(bytes: &[u8]) -> u64 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let polynomial = if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            crc = (crc >> 1) ^ polynomial;
        }
    }
    u64::from(!crc)
}

/// The body of a token, made of the input.
fn body_of(input: &str) -> String {
    let bytes = input.bytes().chain(std::iter::repeat(b'0'));
    let digits = bytes.map(|byte| char::from(BASE62.as_bytes()[usize::from(byte % 62)]));
    "fpm_".chars().chain(digits.take(32)).collect()
}

/// Checks a whole text, and texts that differ from it by a little that the input says.
fn check_texts_like(whole: &str, input: &str) {
    assert!(is_whole(whole));
    check_text(whole);
    let index = input.len() % whole.len();
    let (before, rest) = whole.split_at(index);
    for char in input.chars().take(8) {
        check_text(&format!("{before}{char}{}", &rest[1..]));
        check_text(&format!("{before}{char}{rest}"));
    }
    check_text(&format!("{before}{}", &rest[1..]));
    check_text(&whole.to_lowercase());
    check_text(&whole.to_uppercase());
}

fn check_name(typed: &str) {
    let name = PackageName::parse(typed).ok();
    let expected = Some(typed.trim()).filter(|name| is_name(name));
    assert_eq!(name.as_ref().map(PackageName::as_str), expected);
}

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.chars().all(|char| NAME_CHARS.contains(char))
}

fn check_scope(typed: &str, packages: &str) {
    let expected = scope_of(typed);
    let scope = Packages::parse(typed).ok();
    assert_eq!(scope.as_ref().map(Packages::texts), expected);
    let (Some(scope), Some(texts)) = (scope, expected) else {
        return;
    };
    assert_eq!(scope.are_one(), texts.len() == 1 && !texts[0].contains('*'));
    check_is_read_back(&scope);

    let similar = texts.iter().flat_map(|text| similar_to(text));
    for package in packages.split('\n').map(str::to_owned).chain(similar) {
        if let Ok(name) = PackageName::parse(&package) {
            let is_said = texts.iter().any(|text| says(text, package.trim()));
            assert_eq!(scope.contain(&name), is_said, "{typed:?} {package:?}");
        }
    }
}

/// The patterns of a scope, each once; none if there are none, more than 50, or one that is no pattern.
fn scope_of(typed: &str) -> Option<Vec<String>> {
    let mut texts: Vec<String> = Vec::new();
    for text in typed.split_whitespace() {
        let stem = text.strip_suffix('*').unwrap_or(text);
        let is_pattern = text == "*" || text.len() <= 100 && is_name(stem);
        if !is_pattern {
            return None;
        }
        if !texts.iter().any(|other| other == text) {
            texts.push(text.to_owned());
        }
    }
    (1..=50).contains(&texts.len()).then_some(texts)
}

/// Whether a pattern says that a token is for this package.
fn says(pattern: &str, package: &str) -> bool {
    match pattern.split_once('*') {
        Some((prefix, _)) => package.get(..prefix.len()) == Some(prefix),
        None => package == pattern,
    }
}

/// Names that could be taken for those which a pattern says.
fn similar_to(pattern: &str) -> Vec<String> {
    let stem = pattern.trim_end_matches('*');
    vec![
        stem.to_owned(),
        format!("{stem}0"),
        format!("0{stem}"),
        stem.chars().skip(1).collect(),
        stem.chars().take(stem.len().saturating_sub(1)).collect(),
        stem.to_uppercase(),
        stem.replace('-', "_"),
        stem.replace('s', "\u{17f}"),
        format!("{stem}\u{200b}"),
        format!("{stem}/../x"),
        format!("{stem}\0"),
    ]
}

/// Asserts that what is stored of a scope is that scope, as text and in the JSON of a record.
fn check_is_read_back(scope: &Packages) {
    let text = String::from(scope.clone());
    assert_eq!(text, scope.to_string());
    assert_eq!(Packages::parse(&text).ok().as_ref(), Some(scope));
    let json = serde_json::to_string(scope).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    assert_eq!(&serde_json::from_str::<Packages>(&json).unwrap(), scope);
}
