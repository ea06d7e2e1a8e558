//! The outbox.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use serde::{Deserialize, Serialize};

use super::tables::{Commit, MailKey, OUTBOX, PARKED, Record, Result, Tables, decode, encode, get};
use crate::accounts::{
    clock::Timestamp,
    mail::{MailId, MailState, OutboxMail, OutboxSize, QueuedMail},
};

/// The record of a mail.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MailRecord {
    #[serde(flatten)]
    pub mail: QueuedMail,
    pub due_at: Timestamp,
    pub leased: bool,
    pub parked_because: Option<String>,
}

impl MailRecord {
    fn new(mail: QueuedMail) -> Self {
        Self {
            due_at: mail.queued_at,
            mail,
            leased: false,
            parked_because: None,
        }
    }
}

impl Tables<'_> {
    /// Puts a mail into the outbox.
    pub(super) fn queue_mail(&mut self, mail: QueuedMail) -> Result<()> {
        let id = mail.id;
        self.put_mail(&id, &MailRecord::new(mail))
    }

    pub(super) fn mail(&self, id: &MailId) -> Result<Option<MailRecord>> {
        get(&self.outbox, id.as_bytes())
    }

    /// The ids of the waiting mails that match.
    pub(super) fn mails(&self, wanted: impl Fn(&MailRecord) -> bool) -> Result<Vec<MailId>> {
        matching(&self.outbox, wanted)
    }

    fn put_mail(&mut self, id: &MailId, mail: &MailRecord) -> Result<()> {
        self.commit = Commit::AtOnce;
        self.outbox
            .insert(id.as_bytes(), encode(mail)?.as_slice())?;
        self.due.insert((mail.due_at.millis(), id.as_bytes()), ())?;
        Ok(())
    }

    pub(super) fn take_mail(&mut self, id: &MailId) -> Result<Option<MailRecord>> {
        let Some(mail) = self.mail(id)? else {
            return Ok(None);
        };
        self.commit = Commit::AtOnce;
        self.outbox.remove(id.as_bytes())?;
        self.due.remove((mail.due_at.millis(), id.as_bytes()))?;
        Ok(Some(mail))
    }

    pub(super) fn change_mail(
        &mut self,
        id: &MailId,
        change: impl FnOnce(&mut MailRecord),
    ) -> Result<()> {
        if let Some(mut mail) = self.take_mail(id)? {
            change(&mut mail);
            self.put_mail(id, &mail)?;
        }
        Ok(())
    }

    /// Claims the mail that has been due longest, until `lease`.
    pub(super) fn claim_mail(
        &mut self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>> {
        let Some(id) = self.first_due(now)? else {
            return Ok(None);
        };
        self.change_mail(&id, |record| {
            record.mail.attempts = record.mail.attempts.saturating_add(1);
            record.due_at = lease;
            record.leased = true;
        })?;
        Ok(self.mail(&id)?.map(|record| record.mail))
    }

    pub(super) fn park_mail(&mut self, id: &MailId, reason: String) -> Result<()> {
        if let Some(mut mail) = self.take_mail(id)? {
            mail.parked_because = Some(reason);
            let record = encode(&mail)?;
            self.parked.insert(id.as_bytes(), record.as_slice())?;
        }
        Ok(())
    }

    /// Makes a mail due, even if it is parked; false if there is none that nobody has claimed.
    pub(super) fn requeue_mail(&mut self, id: &MailId, now: Timestamp) -> Result<bool> {
        let parked = self.parked.remove(id.as_bytes())?;
        let parked = parked.map(|record| decode(record.value())).transpose()?;
        let waiting = match parked {
            Some(parked) => Some(parked),
            None => self.mail(id)?.filter(|mail| !mail.leased),
        };
        let Some(waiting) = waiting else {
            return Ok(false);
        };
        self.take_mail(id)?;
        let due = MailRecord {
            due_at: now,
            parked_because: None,
            leased: false,
            ..waiting
        };
        self.put_mail(id, &due)?;
        Ok(true)
    }

    /// Deletes a mail, even if it is parked; whether there was one.
    pub(super) fn drop_mail(&mut self, id: &MailId) -> Result<bool> {
        let was_parked = self.parked.remove(id.as_bytes())?.is_some();
        if was_parked {
            self.commit = Commit::AtOnce;
        }
        Ok(self.take_mail(id)?.is_some() || was_parked)
    }

    fn first_due(&self, now: Timestamp) -> Result<Option<MailId>> {
        let Some((key, _)) = self.due.first()? else {
            return Ok(None);
        };
        let (due_at, id) = key.value();
        Ok((due_at <= now.millis()).then(|| MailId::from_bytes(*id)))
    }

    pub(super) fn drop_old_mail(&mut self, oldest: Timestamp) -> Result<()> {
        let is_old = |record: &MailRecord| record.mail.queued_at <= oldest;
        let waiting = matching(&self.outbox, is_old)?;
        let parked = matching(&self.parked, is_old)?;
        for id in waiting.iter().chain(&parked) {
            self.drop_mail(id)?;
        }
        Ok(())
    }
}

/// The ids of the mails in a table that match.
fn matching(
    table: &impl ReadableTable<MailKey, Record>,
    wanted: impl Fn(&MailRecord) -> bool,
) -> Result<Vec<MailId>> {
    let mut ids = Vec::new();
    for row in table.iter()? {
        let (id, mail) = row?;
        if wanted(&decode(mail.value())?) {
            ids.push(MailId::from_bytes(*id.value()));
        }
    }
    Ok(ids)
}

/// The mails in the outbox and the parked ones, those that were asked for first.
pub(super) fn list_mails(transaction: &ReadTransaction, most: usize) -> Result<Vec<OutboxMail>> {
    let mut mails = Vec::new();
    for table in [OUTBOX, PARKED] {
        for row in transaction.open_table(table)?.iter()? {
            let record: MailRecord = decode(row?.1.value())?;
            mails.push(record.into());
        }
    }
    mails.sort_by_key(|listed: &OutboxMail| listed.mail.queued_at);
    mails.truncate(most);
    Ok(mails)
}

/// How much mail there is.
pub(super) fn outbox_size(transaction: &ReadTransaction) -> Result<OutboxSize> {
    let outbox = transaction.open_table(OUTBOX)?;
    let mut oldest = None;
    for row in outbox.iter()? {
        let record: MailRecord = decode(row?.1.value())?;
        let queued_at = record.mail.queued_at;
        oldest = Some(oldest.map_or(queued_at, |oldest| queued_at.min(oldest)));
    }
    Ok(OutboxSize {
        waiting: outbox.len()?,
        parked: transaction.open_table(PARKED)?.len()?,
        oldest,
    })
}

impl From<MailRecord> for OutboxMail {
    fn from(record: MailRecord) -> Self {
        let state = match record.parked_because {
            Some(reason) => MailState::Parked(reason),
            None if record.leased => MailState::Sending(record.due_at),
            None => MailState::Waiting(record.due_at),
        };
        Self {
            mail: record.mail,
            state,
        }
    }
}
