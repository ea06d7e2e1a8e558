//! An address is accepted if it is well formed and short, and kept in lower case.

use fpm_registry::accounts::email::Email;

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const LOCAL_SIGNS: &str = ".!#$%&'*+-/=?^_{|}~";
const DOMAIN_SIGNS: &str = ".-";

/// Checks an address as typed.
pub fn check(typed: &str) {
    let trimmed = typed.trim();
    let email = Email::parse(typed);
    assert_eq!(email.is_ok(), is_address(trimmed), "{typed:?}");
    let Ok(email) = email else {
        return;
    };
    let text = email.as_str();
    assert_eq!(text, trimmed.to_lowercase());
    assert_eq!(Email::parse(text).ok().as_ref(), Some(&email));
    assert_eq!(text.split_once('@').unwrap().0, email.local_part());
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    // With a dot at both ends, an empty part anywhere is two dots.
    let (dotted_local, dotted_domain) = (format!(".{local}."), format!(".{domain}."));
    let mut labels = domain.split('.');
    text.len() <= 254
        && local.len() <= 64
        && !dotted_local.contains("..")
        && is_made_of(local, LOCAL_SIGNS)
        && domain.contains('.')
        && !["..", ".-", "-."]
            .iter()
            .any(|bad| dotted_domain.contains(bad))
        && is_made_of(domain, DOMAIN_SIGNS)
        && labels.all(|label| label.len() <= 63)
}

fn is_made_of(text: &str, signs: &str) -> bool {
    let allowed = [LETTERS, DIGITS, signs].concat();
    text.chars().all(|char| allowed.contains(char))
}
