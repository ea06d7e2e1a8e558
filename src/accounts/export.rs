//! Everything that is held about a user, for the user to keep.

use serde_json::{Value, json};

use super::{
    facts::{Fact, Kind},
    user::{FormerFactors, Passkey, RecoveryCodes, Totp, UploadToken, User, event::Event},
};

/// What [`export`] tells.
pub const EXPORT: &[Fact] = &[
    Fact::new("id", Kind::Text),
    Fact::new("name", Kind::Text),
    Fact::new("email", Kind::Text),
    Fact::nullable("email_confirmed_at", Kind::Time),
    Fact::new("created_at", Kind::Time),
    Fact::new("login_at", Kind::Time),
    Fact::nullable("last_logout", Kind::Time),
    Fact::nullable("password_changed_at", Kind::Time),
    Fact::new("password_breached", Kind::Flag),
    Fact::new(
        "sessions",
        Kind::List(&Kind::Object(&[
            Fact::new("handle", Kind::Text),
            Fact::new("created_at", Kind::Time),
            Fact::new("used_at", Kind::Time),
            Fact::new("expires_at", Kind::Time),
            Fact::new("authenticated_at", Kind::Time),
            Fact::nullable("second_factor_at", Kind::Time),
            Fact::new("user_agent", Kind::Text),
            Fact::new("network", Kind::Text),
        ])),
    ),
    Fact::new("known_devices", Kind::List(&Kind::Time)),
    Fact::nullable("reset_link_expires_at", Kind::Time),
    Fact::nullable(
        "email_to_confirm",
        Kind::Object(&[
            Fact::new("email", Kind::Text),
            Fact::new("asked_at", Kind::Time),
            Fact::nullable("expires_at", Kind::Time),
        ]),
    ),
    Fact::new(
        "former_emails",
        Kind::List(&Kind::Object(&[
            Fact::new("email", Kind::Text),
            Fact::new("changed_at", Kind::Time),
            Fact::new("expires_at", Kind::Time),
        ])),
    ),
    Fact::new(
        "undo_links",
        Kind::List(&Kind::Object(&[
            Fact::new("email", Kind::Text),
            Fact::new("event_at", Kind::Time),
            Fact::new("expires_at", Kind::Time),
        ])),
    ),
    Fact::new("upload_tokens", Kind::List(&Kind::Object(UPLOAD_TOKEN))),
    Fact::nullable("authenticator_app", Kind::Object(TOTP)),
    Fact::nullable("authenticator_app_to_confirm_until", Kind::Time),
    Fact::new("passkeys", Kind::List(&Kind::Object(PASSKEY))),
    Fact::nullable("recovery_codes", Kind::Object(RECOVERY_CODES)),
    Fact::new(
        "former_second_factors",
        Kind::List(&Kind::Object(FORMER_FACTORS)),
    ),
    Fact::nullable("second_factors_end_at", Kind::Time),
    Fact::new(
        "waiting_logins",
        Kind::List(&Kind::Object(&[
            Fact::new("expires_at", Kind::Time),
            Fact::new("network", Kind::Text),
            Fact::new("device", Kind::Text),
            Fact::new("of_known_device", Kind::Flag),
        ])),
    ),
    Fact::new("history", Kind::List(&Kind::Object(EVENT))),
    Fact::new("fields_of_later_versions", Kind::List(&Kind::Text)),
    Fact::new("left_out", Kind::List(&Kind::Text)),
];

/// What [`event`] tells.
pub const EVENT: &[Fact] = &[
    Fact::new("kind", Kind::Text),
    Fact::new("at", Kind::Time),
    Fact::new("network", Kind::Text),
    Fact::new("device", Kind::Text),
    // What the event is about, if that has a name.
    Fact::optional("about", Kind::Text),
];

/// What [`upload_token`] tells.
pub const UPLOAD_TOKEN: &[Fact] = &[
    Fact::new("handle", Kind::Text),
    Fact::new("name", Kind::Text),
    Fact::new("packages", Kind::List(&Kind::Text)),
    Fact::new("may", Kind::Text),
    Fact::new("last4", Kind::Text),
    Fact::new("created_at", Kind::Time),
    Fact::new("expires_at", Kind::Time),
    Fact::nullable("used_at", Kind::Time),
];

/// What [`totp`] tells.
pub const TOTP: &[Fact] = &[
    Fact::new("added_at", Kind::Time),
    Fact::nullable("used_at", Kind::Time),
];

/// What [`passkey`] tells.
pub const PASSKEY: &[Fact] = &[
    Fact::new("handle", Kind::Text),
    Fact::new("name", Kind::Text),
    Fact::new("added_at", Kind::Time),
    Fact::nullable("used_at", Kind::Time),
];

/// What [`recovery_codes`] tells.
pub const RECOVERY_CODES: &[Fact] = &[
    Fact::new("made_at", Kind::Time),
    Fact::new("left", Kind::Count),
];

/// What [`former_factors`] tells.
pub const FORMER_FACTORS: &[Fact] = &[
    Fact::new("replaced_at", Kind::Time),
    Fact::nullable("authenticator_app", Kind::Object(TOTP)),
    Fact::nullable("passkey", Kind::Object(PASSKEY)),
    Fact::nullable("recovery_codes", Kind::Object(RECOVERY_CODES)),
];

/// What is held about a user. Secrets are named and left out.
pub fn export(user: &User) -> Value {
    let sessions = user.sessions.iter().map(|session| {
        json!({
            "handle": session.handle,
            "created_at": session.created_at.rfc3339(),
            "used_at": session.used_at.rfc3339(),
            "expires_at": session.expires_at.rfc3339(),
            "authenticated_at": session.authenticated_at.rfc3339(),
            "second_factor_at": session.second_factor_at.map(|at| at.rfc3339()),
            "user_agent": session.user_agent,
            "network": session.network,
        })
    });
    let devices = user.devices.iter();
    let held = user.held.iter().map(|held| {
        json!({
            "email": held.email,
            "changed_at": held.changed_at.rfc3339(),
            "expires_at": held.expires_at.rfc3339(),
        })
    });
    let links = user.not_me.iter().map(|link| {
        json!({
            "email": link.email,
            "event_at": link.event_at.rfc3339(),
            "expires_at": link.expires_at.rfc3339(),
        })
    });
    let tokens = user.upload_tokens.iter().map(upload_token);
    let waiting = user.pending_logins.iter();
    let waiting = waiting.map(|login| {
        json!({
            "expires_at": login.expires_at.rfc3339(),
            "network": login.network,
            "device": login.device.unwrap_or_default(),
            "of_known_device": login.of_known_device,
        })
    });
    json!({
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "email_confirmed_at": user.confirmed_at.map(|at| at.rfc3339()),
        "created_at": user.created_at.rfc3339(),
        "login_at": user.login_at.rfc3339(),
        "last_logout": user.last_logout.map(|at| at.rfc3339()),
        "password_changed_at": user.password_changed_at.map(|at| at.rfc3339()),
        "password_breached": user.password_breached,
        "sessions": sessions.collect::<Vec<_>>(),
        "known_devices": devices.map(|device| device.created_at.rfc3339()).collect::<Vec<_>>(),
        "reset_link_expires_at": user.reset.as_ref().map(|reset| reset.expires_at.rfc3339()),
        "email_to_confirm": user.confirmation.as_ref().map(|asked| json!({
            "email": asked.email,
            "asked_at": asked.asked_at.rfc3339(),
            "expires_at": asked.expires_at.map(|at| at.rfc3339()),
        })),
        "former_emails": held.collect::<Vec<_>>(),
        "undo_links": links.collect::<Vec<_>>(),
        "upload_tokens": tokens.collect::<Vec<_>>(),
        "authenticator_app": user.totp.as_ref().map(totp),
        "authenticator_app_to_confirm_until":
            user.pending_totp.as_ref().map(|app| app.expires_at.rfc3339()),
        "passkeys": user.passkeys.iter().map(passkey).collect::<Vec<_>>(),
        "recovery_codes": user.recovery_codes.as_ref().map(recovery_codes),
        "former_second_factors":
            user.former_factors.iter().map(former_factors).collect::<Vec<_>>(),
        "second_factors_end_at": user.second_factors_end_at.map(|at| at.rfc3339()),
        "waiting_logins": waiting.collect::<Vec<_>>(),
        "history": user.events.iter().rev().map(event).collect::<Vec<_>>(),
        // What it means is not known here, so neither is whether it is a secret.
        "fields_of_later_versions": user.unknown.keys().collect::<Vec<_>>(),
        "left_out": [
            "the hash of the password",
            "the digests of sessions, known devices, upload tokens, recovery codes and mailed links",
            "the secrets of authenticator apps, and what passkeys and logins are checked with",
            "what fields of later versions hold",
        ],
    })
}

/// An event as programs see it.
pub fn event(event: &Event) -> Value {
    let mut facts = json!({
        "kind": event.kind,
        "at": event.at.rfc3339(),
        "network": event.network,
        "device": event.device,
    });
    if !event.about.is_empty() {
        facts["about"] = json!(event.about);
    }
    facts
}

/// An upload token as programs see it.
pub fn upload_token(token: &UploadToken) -> Value {
    json!({
        "handle": token.handle,
        "name": token.name,
        "packages": token.packages.texts(),
        "may": token.may,
        "last4": token.last4,
        "created_at": token.created_at.rfc3339(),
        "expires_at": token.expires_at.rfc3339(),
        "used_at": token.used_at.map(|at| at.rfc3339()),
    })
}

/// An authenticator app as programs see it.
pub fn totp(app: &Totp) -> Value {
    json!({
        "added_at": app.added_at.rfc3339(),
        "used_at": app.used_at.map(|at| at.rfc3339()),
    })
}

/// A passkey as programs see it.
pub fn passkey(passkey: &Passkey) -> Value {
    json!({
        "handle": passkey.handle,
        "name": passkey.name,
        "added_at": passkey.added_at.rfc3339(),
        "used_at": passkey.used_at.map(|at| at.rfc3339()),
    })
}

/// Recovery codes as programs see them.
pub fn recovery_codes(codes: &RecoveryCodes) -> Value {
    json!({ "made_at": codes.made_at.rfc3339(), "left": codes.codes.len() })
}

/// What a change took away of second factors, as programs see it.
pub fn former_factors(former: &FormerFactors) -> Value {
    json!({
        "replaced_at": former.replaced_at.rfc3339(),
        "authenticator_app": former.totp.as_ref().map(totp),
        "passkey": former.passkey.as_ref().map(passkey),
        "recovery_codes": former.recovery_codes.as_ref().map(recovery_codes),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;

    #[test]
    fn what_a_later_version_keeps_may_be_a_secret() {
        let user: User = serde_json::from_value(json!({
            "id": "0123456789abcdef01234567",
            "name": "Ada",
            "email": "ada@example.org",
            "password": "hash-of-it",
            "biometry": { "secret": "of-later" },
        }))
        .unwrap();
        let told = export(&user);
        assert_eq!(told["fields_of_later_versions"], json!(["biometry"]));
        let told = told.to_string();
        assert!(!told.contains("of-later") && !told.contains("hash-of-it"));
    }
}
