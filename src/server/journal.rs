//! The log as systemd's journal reads it: each line begins with its priority, and has no time, which the journal adds.

use std::{env, fmt, os::fd::AsFd};

use rustix::fs::fstat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// What systemd names the stream to the journal in (sd-daemon(3)).
const JOURNAL_STREAM: &str = "JOURNAL_STREAM";

/// Whether the journal reads this stream. The variable alone does not tell: a parent may have passed it on.
pub fn reads(stream: impl AsFd) -> bool {
    let (Ok(named), Ok(stream)) = (env::var(JOURNAL_STREAM), fstat(stream)) else {
        return false;
    };
    named == format!("{}:{}", stream.st_dev, stream.st_ino)
}

/// What a line of this level begins with (sd-daemon(3)).
pub const fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// Puts the prefix of its level before each line.
pub struct Prefixed<F>(pub F);

impl<S, N, F> FormatEvent<S, N> for Prefixed<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str(prefix(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_priority_of_syslog() {
        let levels = [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ];
        assert_eq!(levels.map(prefix), ["<3>", "<4>", "<6>", "<7>", "<7>"]);
    }
}
