//! A request as it goes over the wire, and the answer that comes back.

use url::form_urlencoded;

/// A password nobody is told is too easy, and another.
pub const PASSWORD: &str = "correct horse battery";
pub const NEW_PASSWORD: &str = "plum tractor glow";

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";
pub const PARTS: &str = "multipart/form-data; boundary=frontier";
/// What browsers accept.
pub const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What is said where the store is out of reach.
const LATER: &str = "The registry is not available right now, try again in a moment";

/// A request, as it goes over the wire.
#[derive(Clone)]
pub struct Request {
    head: Vec<u8>,
    body: Option<Vec<u8>>,
}

pub fn request(method: &str, path: &str) -> Request {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: registry.example.org\r\n");
    Request {
        head: head.into(),
        body: None,
    }
}

pub fn get(path: &str) -> Request {
    request("GET", path)
}

/// A form, as curl sends it.
pub fn post(path: &str, fields: &[(&str, &str)]) -> Request {
    post_as(FORM, path, fields)
}

/// The same fields in any of the three encodings.
pub fn post_as(content_type: &str, path: &str, fields: &[(&str, &str)]) -> Request {
    let request = request("POST", path).with("Content-Type", content_type);
    request.with_body(encode(content_type, fields))
}

pub fn signup(email: &str) -> Request {
    let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD)];
    post("/auth/signup", &fields)
}

pub fn login(email: &str, password: &str) -> Request {
    post("/auth/login", &[("email", email), ("password", password)])
}

pub fn encode(content_type: &str, fields: &[(&str, &str)]) -> String {
    match content_type {
        JSON => {
            let members = fields
                .iter()
                .map(|(key, value)| (key.to_string(), (*value).into()));
            serde_json::Value::Object(members.collect()).to_string()
        }
        PARTS => {
            let parts = fields.iter().map(|(name, value)| part(name, value));
            parts.collect::<String>() + "--frontier--\r\n"
        }
        _ => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields).finish()
        }
    }
}

pub fn part(name: &str, value: &str) -> String {
    format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

impl Request {
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// As a browser without scripts sends it.
    pub fn by_browser(self) -> Self {
        self.with("Accept", PAGE)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut whole = self.clone().with("Connection", "close");
        if let Some(body) = &self.body {
            whole = whole.with("Content-Length", body.len().to_string());
        }
        let body = self.body.iter().flatten();
        let head = whole.head.into_iter().chain(*b"\r\n");
        head.chain(body.copied()).collect()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn parse(bytes: &[u8]) -> Self {
        let (answer, body) = Self::read(bytes).expect("a whole head");
        let length = answer.header("content-length").parse();
        if !body.is_empty() && length.is_ok() {
            assert_eq!(length, Ok(body.len()), "{answer:?}");
        }
        answer
    }

    /// An answer, unless it was cut off.
    pub fn parse_whole(bytes: &[u8]) -> Option<Self> {
        let (answer, body) = Self::read(bytes)?;
        let length = body.len().to_string();
        (answer.header("content-length") == length).then_some(answer)
    }

    /// An answer and the bytes of its body, which may be cut off; nothing where its head is.
    #[track_caller]
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = (&bytes[..end], &bytes[end + 4..]);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let start = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = start.and_then(|start| start.get(..3)).expect("a status");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let answer = Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        };
        assert_eq!(answer.header("transfer-encoding"), "");
        Some((answer, body))
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// A header, which may come once at most; nothing where it does not.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} comes more than once: {all:?}");
        all.first().copied().unwrap_or_default()
    }

    /// `name=value` of a cookie that is set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.all("set-cookie");
        let pairs = cookies.iter().filter_map(|cookie| cookie.split(';').next());
        let mut ours = pairs.filter(|pair| pair.split('=').next() == Some(name));
        ours.next().map(str::to_owned)
    }

    /// `uuid=…` of the session that began.
    #[track_caller]
    pub fn session(&self) -> String {
        self.cookie("uuid").expect("a session cookie")
    }

    /// What the scripts of a page are known by.
    pub fn nonce(&self) -> Option<&str> {
        let policy = self.header("content-security-policy");
        let (_, rest) = policy.split_once("'nonce-")?;
        rest.split('\'').next()
    }

    /// A success, for a program.
    #[track_caller]
    pub fn assert_done(&self, message: &str) {
        let body = serde_json::json!({"message": message, "code": 200});
        self.assert_json(200, body);
    }

    /// A refusal, for a program.
    #[track_caller]
    pub fn assert_refused(&self, code: u16, message: &str, field: Option<&str>) {
        let mut body = serde_json::json!({"message": message, "code": code});
        if let Some(field) = field {
            body["field"] = field.into();
        }
        self.assert_json(code, body);
        assert_eq!(self.cookie("uuid").as_deref().unwrap_or("uuid="), "uuid=");
    }

    /// That the store is out of reach, for a program.
    #[track_caller]
    pub fn assert_later(&self) {
        self.assert_refused(503, LATER, None);
        assert_eq!(self.header("retry-after"), "5");
    }

    /// The same as a page.
    #[track_caller]
    pub fn assert_later_page(&self) {
        self.assert_page(503, LATER);
        assert_eq!(self.header("retry-after"), "5");
    }

    #[track_caller]
    fn assert_json(&self, code: u16, body: serde_json::Value) {
        assert_eq!(self.status, code, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        let mut told: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        // The five paths of the first backend say it in the header alone.
        let reason = told.as_object_mut().and_then(|told| told.remove("reason"));
        if let Some(reason) = reason {
            assert_eq!(reason, self.header("x-reason"));
        }
        assert_eq!(told, body, "{}", self.body);
    }

    /// A page with this status that says these words.
    #[track_caller]
    pub fn assert_page(&self, code: u16, words: &str) {
        assert_eq!(self.status, code, "{}", self.body);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert!(self.body.contains(words), "{words} is not in {}", self.body);
    }

    /// A redirect, for a page client.
    #[track_caller]
    pub fn assert_leads_to(&self, location: &str) {
        assert_eq!(self.status, 303, "{}", self.body);
        assert_eq!(self.header("location"), location);
    }

    /// The headers every answer has, whatever it is.
    #[track_caller]
    pub fn assert_guarded(&self, is_https: bool) {
        let policy = match self.nonce() {
            None => "default-src 'none'; frame-ancestors 'none'".to_owned(),
            Some(nonce) => format!(
                "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
                 style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'"
            ),
        };
        let https_only = match is_https {
            true => "max-age=63072000; includeSubDomains",
            false => "",
        };
        let is_file = !self.header("etag").is_empty();
        let cache = self.header("cache-control");
        assert!(
            is_file && cache.starts_with("public, ") || cache == "no-store",
            "{cache}"
        );
        for (name, value) in [
            ("content-security-policy", policy.as_str()),
            ("strict-transport-security", https_only),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "permissions-policy",
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
            ("access-control-allow-origin", ""),
            ("server", ""),
            ("x-powered-by", ""),
        ] {
            assert_eq!(self.header(name), value, "{name} of {self:?}");
        }
    }
}
