//! Mail that waits or is parked.

use serde_json::{Value, json};

use super::{
    MAX_ROWS,
    request::{NotDone, Report},
};
use crate::accounts::{
    Accounts,
    mail::{MailId, MailState, OutboxMail},
};

impl Accounts {
    pub(super) async fn list_mails(&self) -> Result<Report, NotDone> {
        let mails = self.store.mails(MAX_ROWS).await?;
        Ok(Report {
            sentence: match mails.len() {
                MAX_ROWS => format!("The first {MAX_ROWS} mails in the outbox"),
                count => format!("Mails in the outbox: {count}"),
            },
            facts: json!({ "mails": mails.iter().map(row).collect::<Vec<_>>() }),
        })
    }

    pub(super) async fn retry_mail(&self, id: &str) -> Result<Report, NotDone> {
        let mail = mail_id(id)?;
        let requeued = self.store.requeue_mail(&mail, self.clock.now()).await?;
        if !requeued {
            return Err(NotDone::NoSuchMail(id.to_owned()));
        }
        self.audit_operator("had a mail sent again", None);
        self.mail_waiting.notify_one();
        Ok(report(mail, "is due now"))
    }

    pub(super) async fn drop_mail(&self, id: &str) -> Result<Report, NotDone> {
        let mail = mail_id(id)?;
        if !self.store.remove_mail(&mail).await? {
            return Err(NotDone::NoSuchMail(id.to_owned()));
        }
        self.audit_operator("deleted a mail", None);
        Ok(report(mail, "was deleted"))
    }
}

fn mail_id(text: &str) -> Result<MailId, NotDone> {
    let id = MailId::try_from(text.to_owned());
    id.map_err(|_| NotDone::NoSuchMail(text.to_owned()))
}

fn report(id: MailId, what: &str) -> Report {
    Report {
        sentence: format!("Mail {id} {what}"),
        facts: json!({ "mail": id.to_string() }),
    }
}

fn row(listed: &OutboxMail) -> Value {
    let mail = &listed.mail;
    let (state, at, reason) = match &listed.state {
        MailState::Waiting(due_at) => {
            let failure = Some(mail.last_failure.as_str()).filter(|why| !why.is_empty());
            ("waiting", Some(due_at.rfc3339()), failure)
        }
        MailState::Sending(until) => ("sending", Some(until.rfc3339()), None),
        MailState::Parked(reason) => ("parked", None, Some(reason.as_str())),
    };
    json!({
        "mail": mail.id.to_string(),
        "kind": mail.kind,
        "to": mail.to,
        "queued_at": mail.queued_at.rfc3339(),
        "attempts": mail.attempts,
        "state": state,
        "due_at": at,
        "reason": reason,
    })
}
