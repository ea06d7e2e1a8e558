//! Everything that is held about a user, for the user to keep.

use serde_json::{Value, json};

use super::user::{UploadToken, User, event::Event};

/// What is held about a user. Secrets are named and left out.
pub fn export(user: &User) -> Value {
    let sessions = user.sessions.iter().map(|session| {
        json!({
            "handle": session.handle,
            "created_at": session.created_at.rfc3339(),
            "used_at": session.used_at.rfc3339(),
            "expires_at": session.expires_at.rfc3339(),
            "authenticated_at": session.authenticated_at.rfc3339(),
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
        "history": user.events.iter().rev().map(event).collect::<Vec<_>>(),
        // What it means is not known here, so neither is whether it is a secret.
        "fields_of_later_versions": user.unknown.keys().collect::<Vec<_>>(),
        "left_out": [
            "the hash of the password",
            "the digests of sessions, known devices, upload tokens and mailed links",
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
            "totp": { "secret": "of-later" },
        }))
        .unwrap();
        let told = export(&user);
        assert_eq!(told["fields_of_later_versions"], json!(["totp"]));
        let told = told.to_string();
        assert!(!told.contains("of-later") && !told.contains("hash-of-it"));
    }
}
