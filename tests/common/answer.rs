//! What a registry answers, and what tests assert of it.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use fpm_registry::forms::form::Form;
use http_body_util::BodyExt;
use serde_json::Value;

use super::Kind;

/// What the registry answered.
#[derive(Debug)]
pub struct Answer {
    pub path: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// What a response to a request for `path` contains.
    pub async fn read(path: String, response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self {
            path,
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            "application/json",
            "{}",
            self.body
        );
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// What a page's scripts are known by, which is new each time.
    pub fn nonce(&self) -> &str {
        let policy = self.header("content-security-policy");
        let nonce = policy.split_once("'nonce-").map(|(_, rest)| rest);
        nonce
            .and_then(|rest| rest.split('\'').next())
            .unwrap_or("no nonce")
    }

    /// Asserts that two answers tell nothing apart; only the ids of their requests differ.
    pub fn assert_like(&self, other: &Self) {
        let told = |answer: &Self| {
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id").expect("an id");
            (answer.status, headers, answer.body.clone())
        };
        assert_eq!(told(self), told(other));
    }

    pub fn set_cookies(&self) -> Vec<String> {
        let all = self.headers.get_all(header::SET_COOKIE).iter();
        all.map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }

    /// Asserts a success: JSON with this message, or for a browser a redirect to `location`.
    pub fn assert_done(&self, kind: Kind, message: &str, location: &str) {
        match kind {
            Kind::Browser => {
                assert_eq!(
                    (self.status.as_u16(), self.header("location")),
                    (303, location)
                );
            }
            _ => {
                let body = serde_json::json!({"message": message, "code": 200});
                assert_eq!((self.status.as_u16(), self.json()), (200, body), "{kind:?}");
            }
        }
    }

    /// Asserts a refusal: JSON with message, code and field, or for a browser a page of that status that says so.
    pub fn assert_refused(&self, kind: Kind, code: u16, message: &str, field: Option<&str>) {
        assert_eq!(self.status.as_u16(), code, "{kind:?}: {}", self.body);
        if kind == Kind::Browser {
            assert!(self.header("content-type").starts_with("text/html"));
            let places = match field {
                Some(field) => vec![format!(
                    "-{field}-error\" role=\"alert\" class=\"field-error\">{message}<"
                )],
                None => ["<p role=\"alert\">", "class=\"form-error\">", "<h1>"]
                    .map(|start| format!("{start}{message}<"))
                    .to_vec(),
            };
            let is_said = places.iter().any(|place| self.body.contains(place));
            assert!(is_said, "{places:?} is not in {}", self.body);
            return;
        }
        let mut body = serde_json::json!({"message": message, "code": code});
        if let Some(field) = field {
            body["field"] = field.into();
        }
        if says_why(&self.path) {
            let reason = self.header("x-reason");
            assert_ne!(reason, "", "{kind:?}");
            body["reason"] = reason.into();
        }
        assert_eq!(self.json(), body, "{kind:?}");
    }

    /// Asserts a redirect to `location`.
    pub fn assert_leads_to(&self, location: &str) {
        let leads_to = (self.status.as_u16(), self.header("location"));
        assert_eq!(leads_to, (303, location), "{}", self.body);
    }

    /// Asserts a refusal that says, in words and in `Retry-After`, to come back in so many seconds or a little less.
    pub fn assert_wait(&self, kind: Kind, seconds: u64) {
        let wait: u64 = self.header("retry-after").parse().expect("a number");
        assert!((seconds - 15..=seconds).contains(&wait), "{wait}");
        let words = match wait {
            0..=90 => format!("{wait} seconds"),
            _ => format!("{} minutes", wait.div_ceil(60)),
        };
        let sentence = format!("Too many attempts, try again in {words}");
        self.assert_refused(kind, 429, &sentence, None);
    }
}

/// Whether the JSON of a refusal says its reason: not on the paths that the first backend had.
fn says_why(path: &str) -> bool {
    let is_first = [
        "login",
        "signup",
        "logout",
        "forgot-password",
        "reset-password",
    ]
    .iter()
    .any(|name| path == format!("/auth/{name}"));
    let is_asked = ["/auth/whoami", "/auth/forward"].contains(&path);
    !is_first && (Form::at(path).is_some() || path.starts_with("/account") || is_asked)
}
