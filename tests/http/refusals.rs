//! Every refusal that `/openapi.json` has can be provoked, and is word for word as it says.

use axum::{
    body::Body,
    http::{Request, header, request::Builder},
};
use fpm_registry::{
    accounts::{
        operator::request::Act, package::MAX_PATTERNS, user::upload_tokens::MAX_UPLOAD_TOKENS,
    },
    forms::form::{Form, Gate},
};
use serde_json::Value;

use crate::{
    DAY, MINUTE, PROGRAM, SECOND_FACTOR,
    common::{
        Answer, BREACHED, Client, Kept, Registry, WRONG_PASSWORD,
        authenticator_app::TOTP,
        mails::{CONFIRM, RESET},
        passkey::{PASSKEYS, USE},
    },
    forms::fields_of,
    refused_codes::{self, limited_code, refused_code},
    refused_passkeys::{self, is_of_passkey, refused_passkey},
    token_check::NOBODYS,
    upload_tokens::{handle, make},
    who::WHOAMI,
};

/// Refusals that no request alone can provoke: a panic and a store out of reach (errors.rs), a slow client and an overload
/// (tests/security/). The store out of reach is in openapi.rs, too.
const NOT_BY_A_REQUEST: [&str; 4] = ["internal", "timeout", "busy", "unavailable"];
/// What is said of a token that a later version has made.
const OF_LATER_VERSION: &str = "This part of the registry does not know yet what this token may do";
/// What the sentence begins with of a token that is for other packages.
const OF_OTHERS: &str = "This token is for the packages ";

/// Each refusal that is described is given, word for word.
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_given() {
    let registry = Registry::start(Kept::Embedded).await;
    let document = registry.document().await;
    for (method, path, operation) in document.operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let json = &document.resolve(response)["content"]["application/json"];
            for (name, example) in json["examples"].as_object().into_iter().flatten() {
                if NOT_BY_A_REQUEST.contains(&name.as_str()) {
                    continue;
                }
                let sentence = example["value"]["message"].as_str().unwrap();
                if sentence == OF_LATER_VERSION {
                    continue;
                }
                let answer = match method {
                    "get" => refused_get(&registry, path, name).await,
                    _ => refused_post(&registry, Form::at(path).unwrap(), name, sentence).await,
                };
                let of = format!("{name} of {method} {path}: {}", answer.body);
                assert_eq!(answer.status.as_str(), status, "{of}");
                let (told, expected) = (answer.json(), &example["value"]);
                for member in ["code", "field", "reason"] {
                    assert_eq!(told.get(member), expected.get(member), "{of}");
                }
                assert_eq!(start(&told), start(expected), "{of}");
            }
        }
    }
}

/// The sentence, without the words that depend on the request.
fn start(refusal: &Value) -> &str {
    let sentence = refusal["message"].as_str().unwrap();
    match sentence.split_once("try again in ") {
        Some((start, _)) => start,
        None if sentence.starts_with("Password is too easy") => "Password is too easy",
        None if sentence.starts_with(OF_OTHERS) => OF_OTHERS,
        None => sentence,
    }
}

/// An answer that refuses a `GET` for the reason of this name.
async fn refused_get(registry: &Registry, path: &str, name: &str) -> Answer {
    let client = registry.program();
    let get = async |query: &str| client.get(&format!("{path}{query}")).await;
    match name {
        "headers-too-large" => refused_early(registry, Request::get(path), name).await,
        "not-logged-in" => get("").await,
        _ if path == WHOAMI => refused_bearer(registry, name).await,
        "password-in-url" => {
            let uri = format!("{path}?uuid=a&password=b");
            refused_early(registry, Request::get(uri), "").await
        }
        "malformed" => get("?uuid=%ff&password=b").await,
        "repeated" => get("?uuid=a&uuid=b&password=c").await,
        "link-dead" => get("?uuid=936da01f-9abd-4d9d-80c7-02af85c822a8").await,
        _ => {
            let email = address();
            registry.add_user(&email).await;
            let uuid = registry.reset_uuid(&email).await;
            let password = bad_value("password", name).replace(' ', "+");
            let query = format!("?uuid={uuid}&password={password}");
            match name {
                "too-many-attempts" => until_limited(async || get(&query).await).await,
                _ => get(&query).await,
            }
        }
    }
}

/// An answer that refuses to say whose upload token a request carries, for the reason of this name.
async fn refused_bearer(registry: &Registry, name: &str) -> Answer {
    let client = registry.program();
    let text = match name {
        "token-incomplete" => "fpm_".to_owned(),
        "token-expired" => expired_token(registry).await,
        _ => NOBODYS.to_owned(),
    };
    let token = format!("Bearer {text}");
    let get = async || client.get_with(WHOAMI, "authorization", &token).await;
    match name {
        "too-many-attempts" => until_limited(get).await,
        _ => get().await,
    }
}

/// An answer that refuses a form for the reason of this name, with this sentence.
async fn refused_post(registry: &Registry, form: &Form, name: &str, sentence: &str) -> Answer {
    let early = [
        "headers-too-large",
        "other-site",
        "outdated-form",
        "malformed",
        "repeated",
        "not-text",
        "too-large",
        "unsupported-type",
    ];
    if early.contains(&name) {
        return refused_early(registry, Request::post(form.path), name).await;
    }
    if is_of_passkey(form, name) {
        return refused_passkey(registry, form, name, sentence).await;
    }
    if name == "not-logged-in" {
        return registry.program().post(form.path, &fields_of(form)).await;
    }
    match name {
        "not-offered" if form.path == TOTP => return refused_codes::not_offered().await,
        "not-offered" => return refused_passkeys::not_offered(form).await,
        "too-many-attempts" if form.path == SECOND_FACTOR => return limited_code(registry).await,
        _ if name.starts_with("code-") => return refused_code(registry, form, sentence).await,
        _ => {}
    }
    let email = address();
    let client = registry.confirmed(PROGRAM, &email).await;
    let of_token = token_fields(registry, &client, form, name, sentence).await;
    if name == "email-not-confirmed" {
        registry.operate(&email, Act::SetEmail(address())).await;
    }
    let uuid = match (form.path, name) {
        (RESET, "link-dead") => None,
        (RESET, _) => Some(registry.reset_uuid(&email).await),
        (CONFIRM, "email-email-taken") => Some(link_to_taken(registry, &client).await),
        _ => None,
    };
    if form.gate == Gate::Recent {
        registry.wait(16 * MINUTE);
    }
    if form.path == PASSKEYS && name != "challenge-expired" {
        client.begin_passkey().await;
    }
    if form.path == USE && name != "challenge-expired" {
        client.ask_for_passkey("login").await;
    }
    let mut fields: Vec<(&str, &str)> = fields_of(form);
    let mut set = |field: &str, text| {
        let found = fields.iter_mut().find(|(name, _)| *name == field);
        found.unwrap_or_else(|| panic!("{name} of {}", form.path)).1 = text;
    };
    if let Some(uuid) = &uuid {
        set("uuid", uuid);
    }
    for (field, text) in &of_token {
        set(field, text);
    }
    let taken = address();
    match name {
        _ if !of_token.is_empty() => {}
        "email-email-taken" if form.path == CONFIRM => {}
        "email-email-taken" => {
            registry.add_user(&taken).await;
            set("email", &taken);
        }
        "email-own-email" => set("email", &email),
        // Good text is of no link, no session, no upload token and no other account.
        "link-dead" | "not-found" | "email-not-your-email" | "already-confirmed" => {}
        "token-unknown" | "email-not-confirmed" | "too-many-tokens" => {}
        // Of no second factor and of no app that is being added.
        "no-second-factor" | "setup-expired" => {}
        // Of no passkey, and of no challenge.
        "invalid" | "challenge-expired" => {}
        "wrong-login" => set("password", WRONG_PASSWORD),
        "too-many-attempts" if form.gate != Gate::Anyone && form.gate != Gate::LoggedIn => {
            set("current_password", WRONG_PASSWORD);
        }
        "too-many-attempts" => {
            if form.names().any(|field| field == "password") {
                set("password", "password");
            }
        }
        _ => {
            let (field, _) = name.split_once('-').unwrap();
            set(field, bad_value(field, name));
        }
    }
    match name {
        "too-many-attempts" if form.gate == Gate::LoggedIn => {
            let email = address();
            let client = registry.signed_up(PROGRAM, &email).await;
            until_limited(async || client.post(form.path, &fields).await).await
        }
        "too-many-attempts" => until_limited(async || client.post(form.path, &fields).await).await,
        _ => client.post(form.path, &fields).await,
    }
}

/// The text to put into fields of a form, so that it is refused with this sentence for what an upload token is.
async fn token_fields(
    registry: &Registry,
    client: &Client<'_>,
    form: &Form,
    name: &str,
    sentence: &str,
) -> Vec<(&'static str, String)> {
    let has_text = form.secret.contains(&"token");
    let made = async |packages, may| ("token", make(client, packages, may).await);
    let is_new = |is_new: &str| ("is_new", is_new.to_owned());
    match name {
        "packages-invalid" => vec![("packages", "Stdlib".to_owned())],
        "packages-invalid-2" => {
            let may = ("may", "first-publish".to_owned());
            vec![("packages", "*".to_owned()), may]
        }
        "packages-too-long" => {
            let names = (0..=MAX_PATTERNS).map(|n| format!("p{n} "));
            vec![("packages", names.collect())]
        }
        "too-many-tokens" => {
            for _ in 0..MAX_UPLOAD_TOKENS {
                make(client, "*", "publish").await;
            }
            of_handle(form, client).await
        }
        "email-not-confirmed" => {
            make(client, "*", "publish").await;
            of_handle(form, client).await
        }
        "already-replaced" => {
            make(client, "*", "publish").await;
            let fields = of_handle(form, client).await;
            let answer = client.post(form.path, &[("token", &fields[0].1)]).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            fields
        }
        "token-incomplete" => vec![("token", "fpm_".to_owned())],
        "token-expired" => vec![("token", expired_token(registry).await)],
        _ if !has_text => Vec::new(),
        _ => match sentence {
            _ if sentence.starts_with(OF_OTHERS) => {
                vec![made("json", "first-publish").await]
            }
            "This token is for new packages, and this one exists already" => {
                vec![made("*", "publish-new").await, is_new("false")]
            }
            "This token is for a first publication, and this package exists already" => {
                vec![made("stdlib", "first-publish").await, is_new("false")]
            }
            "This token is for new versions of packages, and this one does not exist yet" => {
                vec![made("*", "publish-update").await, is_new("true")]
            }
            "This token is not for a first publication" => vec![made("*", "publish").await],
            _ => Vec::new(),
        },
    }
}

/// The field with the handle of the newest token, if this form has it.
async fn of_handle(form: &Form, client: &Client<'_>) -> Vec<(&'static str, String)> {
    match form.hidden.contains(&"token") {
        true => vec![("token", handle(client).await)],
        false => Vec::new(),
    }
}

async fn expired_token(registry: &Registry) -> String {
    let client = registry.confirmed(PROGRAM, &address()).await;
    let text = make(&client, "stdlib", "first-publish").await;
    registry.wait(90 * DAY);
    text
}

/// The link to confirm an address that another user has taken since.
async fn link_to_taken(registry: &Registry, client: &Client<'_>) -> String {
    let taken = address();
    let fields = [("email", taken.as_str())];
    assert_eq!(client.post("/account/email", &fields).await.status, 200);
    let uuid = registry.mailed_link(&taken, CONFIRM).await;
    registry.add_user(&taken).await;
    uuid
}

/// Text that a field is refused with for the reason of this name.
fn bad_value(field: &str, name: &str) -> &'static str {
    let reason = name.strip_prefix(field).unwrap_or(name);
    match reason.trim_start_matches('-') {
        "required" | "current-password-required" => "",
        "too-long" => {
            static LONG: std::sync::LazyLock<String> =
                std::sync::LazyLock::new(|| "x1 ".repeat(100) + "x");
            &LONG
        }
        "too-short" => "short",
        "too-easy" | "too-many-attempts" => "password",
        "breached" => BREACHED.0,
        "invalid" => "john\ndoe",
        "wrong-current-password" => WRONG_PASSWORD,
        _ => panic!("how is a form refused with {name}? say it in tests/http/openapi.rs"),
    }
}

/// The answer to a request that no form reads to its end.
async fn refused_early(registry: &Registry, request: Builder, name: &str) -> Answer {
    let form = "application/x-www-form-urlencoded";
    let large = format!("csrf_token={}", "x".repeat(17 * 1024));
    let (content_type, body) = match name {
        "malformed" => (form, "csrf_token=%ff"),
        "repeated" => (form, "csrf_token=a&csrf_token=b"),
        "not-text" => ("application/json", "{\"csrf_token\":1}"),
        "too-large" => (form, large.as_str()),
        "unsupported-type" => ("text/plain", "csrf_token=a"),
        "outdated-form" => (form, "csrf_token=a"),
        _ => (form, ""),
    };
    let mut request = request.header(header::CONTENT_TYPE, content_type);
    request = match name {
        "headers-too-large" => request.header("x-large", "x".repeat(17 * 1024)),
        "other-site" => request.header("sec-fetch-site", "cross-site"),
        _ => request.header("sec-fetch-site", "same-origin"),
    };
    request = request.header(header::COOKIE, "form=936da01f-9abd-4d9d-80c7-02af85c822a8");
    let body = Body::from(body.to_owned());
    registry.send(request.body(body).unwrap()).await
}

async fn until_limited(send: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..200 {
        let answer = send().await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("no limit is reached");
}

/// An address that nobody has.
pub fn address() -> String {
    format!("{}@example.org", uuid::Uuid::new_v4().simple())
}
