//! Moments as they are written: for people, and for programs.

use time::OffsetDateTime;

use super::clock::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// The length of `29 September 2024 at 23:59 UTC`.
const LONGEST: usize = 30;

impl Timestamp {
    /// The day and minute in words, such as `29 February 2024 at 23:59 UTC`.
    pub fn in_words(self) -> String {
        let at = self.date_time();
        let mut text = day_in_words(at);
        text.push_str(" at ");
        push_two_digits(&mut text, at.hour());
        text.push(':');
        push_two_digits(&mut text, at.minute());
        text.push_str(" UTC");
        text
    }

    /// The day in words, such as `29 February 2024`.
    pub fn day_in_words(self) -> String {
        day_in_words(self.date_time())
    }

    /// The second in UTC, such as `2024-02-29T23:59:59Z` (RFC 3339).
    pub fn rfc3339(self) -> String {
        let at = self.date_time();
        let mut text = String::with_capacity(LONGEST);
        push_year(&mut text, at);
        for (mark, number) in [
            ('-', at.month().into()),
            ('-', at.day()),
            ('T', at.hour()),
            (':', at.minute()),
            (':', at.second()),
        ] {
            text.push(mark);
            push_two_digits(&mut text, number);
        }
        text.push('Z');
        text
    }

    /// 1970 for what no calendar holds.
    fn date_time(self) -> OffsetDateTime {
        let seconds = self.millis().div_euclid(1000);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

fn day_in_words(at: OffsetDateTime) -> String {
    let mut text = String::with_capacity(LONGEST);
    match at.day() {
        day @ 0..=9 => text.push(DIGITS[usize::from(day)]),
        day => push_two_digits(&mut text, day),
    }
    text.push(' ');
    text.push_str(MONTHS[usize::from(u8::from(at.month())) - 1]);
    text.push(' ');
    push_year(&mut text, at);
    text
}

/// Two digits. Quicker than formatting, of which a page of sessions would need hundreds.
fn push_two_digits(text: &mut String, number: u8) {
    text.push(DIGITS[usize::from(number / 10 % 10)]);
    text.push(DIGITS[usize::from(number % 10)]);
}

fn push_year(text: &mut String, at: OffsetDateTime) {
    let year = u16::try_from(at.year()).unwrap_or_default();
    for number in [year / 100, year % 100] {
        push_two_digits(text, number.try_into().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_for_people_and_for_programs() {
        for (millis, words, rfc3339) in [
            (0, "1 January 1970 at 00:00 UTC", "1970-01-01T00:00:00Z"),
            (
                1_709_251_199_999,
                "29 February 2024 at 23:59 UTC",
                "2024-02-29T23:59:59Z",
            ),
            (-1, "31 December 1969 at 23:59 UTC", "1969-12-31T23:59:59Z"),
            (
                i64::MAX,
                "1 January 1970 at 00:00 UTC",
                "1970-01-01T00:00:00Z",
            ),
        ] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(
                (moment.in_words().as_str(), moment.rfc3339().as_str()),
                (words, rfc3339)
            );
        }
    }
}
