//! HL7 V3 point in time (TS): `YYYYMMDDHHMMSS.UUUU±ZZZZ`, cut at any precision.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

/// A point in time with the precision it was written in. A time without offset is legal time in
/// France: CI-SIS documents are written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    text: String,
    precision: Precision,
    civil: DateTime,
    offset: Offset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    Year,
    Month,
    Day,
    Time,
}

impl Time {
    /// Reads a TS; `None` when it is not one, or names a day that does not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, offset) = match text.find(['+', '-', 'Z']) {
            Some(at) => (text.get(..at)?, Some(offset(text.get(at..)?)?)),
            None => (text, None),
        };
        let (digits, fraction) = local.split_once('.').unwrap_or((local, ""));
        let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !decimal(digits) || !decimal(fraction) || (!fraction.is_empty() && digits.len() != 14) {
            return None;
        }
        let precision = match digits.len() {
            4 => Precision::Year,
            6 => Precision::Month,
            8 => Precision::Day,
            10 | 12 | 14 => Precision::Time,
            _ => return None,
        };
        let number = |from: usize, to: usize, absent: i8| match digits.get(from..to) {
            Some(part) => part.parse::<i8>().ok(),
            None => Some(absent),
        };
        let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let year = digits.get(..4)?.parse().ok()?;
        let (month, day) = (number(4, 6, 1)?, number(6, 8, 1)?);
        let (hour, minute, second) = (number(8, 10, 0)?, number(10, 12, 0)?, number(12, 14, 0)?);
        let civil = DateTime::new(year, month, day, hour, minute, second, nanoseconds).ok()?;
        let offset = offset.or_else(|| french_offset(civil))?;
        offset.to_timestamp(civil).ok()?;
        Some(Self { text: text.to_owned(), precision, civil, offset })
    }

    /// An instant, to the second, in French legal time.
    pub fn of(at: Timestamp) -> Self {
        let offset = TimeZone::get("Europe/Paris").map_or(Offset::UTC, |zone| zone.to_offset(at));
        let seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let civil = offset.to_datetime(seconds);
        let text = seconds.to_zoned(TimeZone::fixed(offset)).strftime("%Y%m%d%H%M%S%z").to_string();
        Self { text, precision: Precision::Time, civil, offset }
    }

    /// A day.
    pub fn on(day: Date) -> Self {
        let civil = day.at(0, 0, 0, 0);
        let offset = french_offset(civil).unwrap_or(Offset::UTC);
        Self { text: day.strftime("%Y%m%d").to_string(), precision: Precision::Day, civil, offset }
    }

    /// The TS as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The FHIR dateTime of the same precision; with a time there is always an offset.
    pub fn to_fhir(&self) -> String {
        match self.precision {
            Precision::Year => self.civil.strftime("%Y").to_string(),
            Precision::Month => self.civil.strftime("%Y-%m").to_string(),
            Precision::Day => self.civil.strftime("%Y-%m-%d").to_string(),
            Precision::Time => self.instant().display_with_offset(self.offset).to_string(),
        }
    }

    /// The day, where it is known: a FHIR date.
    pub fn date(&self) -> Option<Date> {
        (self.precision >= Precision::Day).then(|| self.civil.date())
    }

    /// The instant at which it begins.
    pub fn instant(&self) -> Timestamp {
        // Both constructors have made the same conversion succeed.
        self.offset.to_timestamp(self.civil).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (hours, minutes) = match text.len() {
        3 => (text.get(1..3)?, "00"),
        5 => (text.get(1..3)?, text.get(3..5)?),
        _ => return None,
    };
    if ![hours, minutes].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours * 3600 + minutes * 60;
    let within = hours <= 14 && minutes < 60;
    within.then(|| Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok())?
}

fn french_offset(civil: DateTime) -> Option<Offset> {
    let zone = TimeZone::get("Europe/Paris").ok()?;
    Some(zone.to_offset(zone.to_timestamp(civil).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_precision_has_its_fhir_form() {
        for (ts, fhir) in [
            ("2021", "2021"),
            ("202104", "2021-04"),
            ("19790328", "1979-03-28"),
            ("2021040113+0100", "2021-04-01T13:00:00+01:00"),
            ("202101040735+0100", "2021-01-04T07:35:00+01:00"),
            ("20210401134745+0100", "2021-04-01T13:47:45+01:00"),
            ("20210401134745.5-0330", "2021-04-01T13:47:45.5-03:30"),
            ("20200701134745", "2020-07-01T13:47:45+02:00"),
            ("20200701134745Z", "2020-07-01T13:47:45+00:00"),
        ] {
            assert_eq!(Time::parse(ts).unwrap().to_fhir(), fhir, "{ts}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for ts in [
            "",
            "1",
            "20211",
            "20210230",
            "20211301",
            "2021-04-01",
            "20210401134745+",
            "20210401134745+9900",
            "20210401134745++100",
            "2021040113474",
            "202104.5",
            "é021",
            "20210401134745+01é",
        ] {
            assert_eq!(Time::parse(ts), None, "{ts}");
        }
    }

    #[test]
    fn an_instant_is_written_in_french_legal_time() {
        let time = Time::of("2026-11-22T10:00:00.75Z".parse().unwrap());
        assert_eq!(time.text(), "20261122110000+0100");
        assert_eq!(Time::parse(time.text()), Some(time));
        assert_eq!(Time::on("1979-03-28".parse().unwrap()).text(), "19790328");
    }
}
