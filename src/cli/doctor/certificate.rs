//! Judges the certificate of the site.

use tokio_rustls::rustls::CertificateError;

use super::finding::Finding;
use crate::accounts::{clock::Timestamp, lifetimes::DAY};

const CERTIFICATE: &str = "certificate";
/// A certificate that is renewed by itself is renewed before these last days.
const LAST_DAYS: u64 = 14;

/// A certificate that browsers refuse.
pub fn refused(why: &CertificateError) -> Finding {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    let (found, change) = match why {
        Expired | ExpiredContext { .. } => ("it has ended", "renew it, and have the proxy load it"),
        NotValidYet | NotValidYetContext { .. } => {
            ("it is not valid yet", "set the clock of this machine")
        }
        NotValidForName | NotValidForNameContext { .. } => (
            "it is for another name",
            "get one for the name in PUBLIC_URL, or correct PUBLIC_URL",
        ),
        UnknownIssuer => (
            "no authority that this machine trusts has signed it",
            "have the proxy send the whole chain (fullchain.pem) of an authority that browsers trust",
        ),
        _ => {
            let found = format!("it is not valid: {why}");
            return Finding::wrong(CERTIFICATE, found, "get another one");
        }
    };
    Finding::wrong(CERTIFICATE, found, change)
}

/// A certificate that is valid at `now`, and until `end` if that is known.
pub fn valid(end: Option<Timestamp>, now: Timestamp) -> Finding {
    let Some(end) = end else {
        return Finding::ok(CERTIFICATE, "it is valid");
    };
    let left = end.millis().abs_diff(now.millis());
    let days = left / (DAY.as_secs() * 1000);
    let found = format!("it is valid for {days} days more");
    if days < LAST_DAYS {
        Finding::warning(CERTIFICATE, found, "see why it is not renewed by itself")
    } else {
        Finding::ok(CERTIFICATE, found)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_certificate_should_be_renewed_before_its_last_fourteen_days() {
        let now = Timestamp::from_millis(1_000);
        let late = "; see why it is not renewed by itself";
        for (left, line) in [
            (
                DAY * 90,
                "ok       certificate  it is valid for 90 days more".to_owned(),
            ),
            (
                DAY * 14,
                "ok       certificate  it is valid for 14 days more".to_owned(),
            ),
            (
                DAY * 14 - Duration::from_secs(1),
                format!("warning  certificate  it is valid for 13 days more{late}"),
            ),
            (
                Duration::from_secs(60),
                format!("warning  certificate  it is valid for 0 days more{late}"),
            ),
        ] {
            assert_eq!(valid(Some(now.plus(left)), now).to_string(), line);
        }
        assert_eq!(
            valid(None, now).to_string(),
            "ok       certificate  it is valid"
        );
    }
}
