//! An address that is accepted is short, in lower case, and can stand in a mail header.
#![no_main]

use fpm_registry::accounts::email::Email;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|typed: &str| {
    let Ok(email) = Email::parse(typed) else {
        return;
    };
    let text = email.as_str();
    assert_eq!(text, typed.trim().to_lowercase());
    assert_eq!(Email::parse(text).ok().as_ref(), Some(&email));
    assert!(text.len() <= 254);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!text.contains(['"', '<', '>', '(', ')', ',', ':', ';', '\\', '[', ']']));

    let (local, domain) = text.split_once('@').expect("an @");
    assert!(!domain.contains('@'));
    assert_eq!(local, email.local_part());
    assert!((1..=64).contains(&local.len()));
    assert!(domain.contains('.'));
});
