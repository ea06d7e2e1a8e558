//! `/account/security`: the password, second factors and recovery codes.

use leptos::prelude::*;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    Page,
    endpoint::{Content, Endpoint, REDIRECT},
    frame::Frame,
    parts::{day, moment, navigation},
    request::{Detour, PageRequest},
};
use crate::{
    accounts::{
        clock::Timestamp,
        export::{PASSKEY, RECOVERY_CODES, TOTP, passkey, recovery_codes, totp},
        facts::{Fact, Kind as FactKind},
        recovery_code::RecoveryCodeText,
        user::{Passkey, RecoveryCodes, Totp, User},
    },
    forms::{
        answers::{LOGGED_OUT, OF_THE_STORE},
        context::CODE_SEPARATOR,
        cookie::Kind,
        second_factors::{
            add_passkey, begin_passkey, begin_totp, end_passkey, end_passkey::PASSKEY_FIELD,
            end_totp, make_recovery_codes,
        },
    },
};

/// How few recovery codes are so few that the page says so.
const FEW_CODES: usize = 3;

/// The page of one's password, second factors and recovery codes.
pub struct SecurityPage {
    user: User,
    offers_totp: bool,
    offers_passkeys: bool,
    /// Recovery codes that were made just now.
    made: Vec<RecoveryCodeText>,
}

/// What it tells programs.
const FACTS: &[Fact] = &[
    Fact::nullable("password_changed_at", FactKind::Time),
    Fact::nullable("authenticator_app", FactKind::Object(TOTP)),
    Fact::new("passkeys", FactKind::List(&FactKind::Object(PASSKEY))),
    Fact::nullable("recovery_codes", FactKind::Object(RECOVERY_CODES)),
    Fact::nullable("second_factors_end_at", FactKind::Time),
];

impl Page for SecurityPage {
    const PATH: &'static str = "/account/security";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[LOGGED_OUT, OF_THE_STORE],
        ..Endpoint::new(
            "How the user logs in: password, second factors, recovery codes",
            &[(200, Content::PageOrFacts(FACTS)), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let (user, _) = request.account(Self::PATH).await?;
        let offers_passkeys = request.service.accounts.offers_passkeys();
        if let Some(refused) = &mut request.refused
            && refused.form == &begin_passkey::FORM
            && offers_passkeys
        {
            // What the script begins by the one form, the other one finishes.
            refused.form = &add_passkey::FORM;
        }
        Ok(Self {
            made: take_made(request, user.recovery_codes.as_ref()),
            offers_totp: request.service.accounts.offers_totp(),
            offers_passkeys,
            user,
        })
    }

    fn json(&self) -> Option<Value> {
        let user = &self.user;
        Some(json!({
            "password_changed_at": user.password_changed_at.map(|at| at.rfc3339()),
            "authenticator_app": user.totp.as_ref().map(totp),
            "passkeys": user.passkeys.iter().map(passkey).collect::<Vec<_>>(),
            "recovery_codes": user.recovery_codes.as_ref().map(recovery_codes),
            "second_factors_end_at": user.second_factors_end_at.map(|at| at.rfc3339()),
        }))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let changed = self.user.password_changed_at;
        let changed = match changed {
            Some(at) => view! { "Last changed " {day(at)} "." }.into_any(),
            None => view! { "It is not known when it was last changed." }.into_any(),
        };
        let advice = match self.user.has_second_factor() {
            true => "Nobody gets into your account by your password alone.",
            false => "With a second factor nobody gets into your account by your password alone.",
        };
        let codes = (self.user.has_second_factor() || self.user.recovery_codes.is_some())
            .then(|| codes(self.user.recovery_codes.as_ref(), frame));
        view! {
            {frame.heading("Security")}
            {navigation(Self::PATH, frame)}
            {frame.status()}
            {self.user.second_factors_end_at.map(end)}
            {(!self.made.is_empty()).then(|| made(&self.made))}
            <p class="lead">{advice}</p>
            <section aria-labelledby="password">
                <h2 id="password">"Password"</h2>
                <p>{changed} " " <a href="/account#password">"Change it"</a></p>
            </section>
            {app(self.user.totp.as_ref(), self.offers_totp, frame)}
            {passkeys(&self.user.passkeys, self.offers_passkeys, frame)}
            {codes}
        }
    }
}

/// What a user should do whose second factors an operator was asked to remove.
fn end(at: Timestamp) -> impl IntoView + use<> {
    view! {
        <p class="warning">
            "All your second factors end on " {moment(at)}
            ", since an operator of the registry was asked to remove them. If you did not ask for it, use “This was not me” in the mail about it. If you have one of them, log in with it before, and all of them stay."
        </p>
    }
}

/// The codes in the cookie of a form that has just made them for this user, which a page shows once.
fn take_made(request: &mut PageRequest, held: Option<&RecoveryCodes>) -> Vec<RecoveryCodeText> {
    let text = request.take_shown(Kind::RecoveryCodes).unwrap_or_default();
    let codes = text.split(CODE_SEPARATOR);
    let codes = codes.filter_map(RecoveryCodeText::parse);
    codes.filter(|code| is_held(held, code)).collect()
}

fn is_held(held: Option<&RecoveryCodes>, code: &RecoveryCodeText) -> bool {
    let digest = code.digest();
    let mut codes = held.into_iter().flat_map(|held| &held.codes);
    codes.any(|code| code.digest == digest)
}

/// Recovery codes to print, copy or download. On paper there is nothing else of the page.
fn made(codes: &[RecoveryCodeText]) -> impl IntoView + use<> {
    let texts: Vec<String> = codes.iter().map(RecoveryCodeText::reveal).collect();
    let file = [
        "Recovery codes of fpm-registry, each good for one login:\n\n",
        &texts.join("\n"),
        "\n",
    ];
    let file = utf8_percent_encode(&file.concat(), NON_ALPHANUMERIC).to_string();
    let href = ["data:text/plain;charset=utf-8,", &file].concat();
    view! {
        <section class="made sheet" aria-labelledby="made">
            <h2 id="made">"Your recovery codes"</h2>
            <p>
                "Each is good for one login if you have lost your second factor. Print them, or keep them where you keep passwords, but not on the phone with the app. They are not shown again."
            </p>
            <pre class="codes">{texts.join("\n")}</pre>
            <p>
                <a href=href download="fpm-registry-recovery-codes.txt">
                    "Download as text"
                </a>
            </p>
        </section>
    }
}

fn app(app: Option<&Totp>, is_offered: bool, frame: &Frame) -> impl IntoView + use<> {
    let state = match app {
        Some(app) => {
            let used = match app.used_at {
                Some(at) => view! { "last used " {day(at)} }.into_any(),
                None => "not used yet".into_any(),
            };
            view! { <p>"On since " {day(app.added_at)} ", " {used} "."</p> }.into_any()
        }
        None => view! {
            <p>
                "An app on your phone, such as Aegis or Google Authenticator, shows a code that changes every half minute."
            </p>
        }
        .into_any(),
    };
    let add = is_offered.then(|| {
        let (words, about) = match app {
            Some(_) => ("Use another one", "authenticator app"),
            None => (begin_totp::FORM.button.idle, ""),
        };
        frame.recent_row_form(&begin_totp::FORM, Vec::new(), words, about)
    });
    let remove = app.map(|_| {
        let (words, about) = (end_totp::FORM.button.idle, "authenticator app");
        frame.recent_row_form(&end_totp::FORM, Vec::new(), words, about)
    });
    let missing = (!is_offered)
        .then(|| view! { <p class="hint">"This registry does not offer it at the moment."</p> });
    view! {
        <section aria-labelledby="app">
            <h2 id="app">"Authenticator app"</h2>
            {state}
            {missing}
            <div class="actions">{add} {remove}</div>
        </section>
    }
}

fn passkeys(passkeys: &[Passkey], is_offered: bool, frame: &Frame) -> impl IntoView + use<> {
    let rows = passkeys.iter().map(|passkey| {
        let hidden = vec![(PASSKEY_FIELD.to_owned(), passkey.handle.as_str().to_owned())];
        let name = passkey.name.clone();
        let remove = frame.recent_row_form(&end_passkey::FORM, hidden, "Remove", &name);
        let used = match passkey.used_at {
            Some(at) => view! { "last used " {day(at)} }.into_any(),
            None => "not used yet".into_any(),
        };
        view! {
            <li>
                <h3>{name}</h3>
                <p>"Added " {day(passkey.added_at)} ", " {used} "."</p>
                <div class="actions">{remove}</div>
            </li>
        }
    });
    let add = is_offered.then(|| frame.form_to_add_passkey());
    let missing = (!is_offered).then(|| {
        view! {
            <p class="hint">
                "This registry does not offer them at this address. Its operator has to set "
                <code>"PUBLIC_URL"</code> " to a name, such as " <code>"http://localhost:9090"</code>
                "."
            </p>
        }
    });
    view! {
        <section aria-labelledby="passkeys">
            <h2 id="passkeys">"Passkeys"</h2>
            <p>
                "A key on your phone, computer or security key that logs you in by a fingerprint, your face or a PIN, without a password."
            </p>
            {missing}
            <ul class="rows">{rows.collect_view()}</ul>
            {add}
        </section>
    }
}

fn codes(held: Option<&RecoveryCodes>, frame: &Frame) -> impl IntoView + use<> {
    let left = held.map_or(0, |held| held.codes.len());
    let words = match left {
        0 => "You have none. Without them, who loses the second factor needs the help of an operator.".to_owned(),
        1 => "1 code is left.".to_owned(),
        n => format!("{n} codes are left."),
    };
    let few = (1..=FEW_CODES)
        .contains(&left)
        .then_some(" Make new ones before they run out.");
    let held = held.filter(|held| !held.codes.is_empty());
    let made_at = held.map(|held| view! { " Made " {day(held.made_at)} "." });
    let words_of_button = make_recovery_codes::FORM.button.idle;
    let make = frame.recent_row_form(&make_recovery_codes::FORM, Vec::new(), words_of_button, "");
    view! {
        <section aria-labelledby="codes">
            <h2 id="codes">"Recovery codes"</h2>
            <p>{words} {few} {made_at}</p>
            <div class="actions">{make}</div>
            <p class="hint">"New codes end the older ones."</p>
        </section>
    }
}
