//! Units of measure that are compared with each other (UCUM; R4 search §quantity).
//!
//! Each is a multiple of one unit of its dimension, small enough for what is measured to be a number
//! of millionths. A unit that is not here is compared with itself alone.

/// The system of UCUM.
pub(super) const UCUM: &str = "http://unitsofmeasure.org";

/// A unit as a fraction of the unit of its dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    /// The UCUM code.
    code: &'static str,
    /// The UCUM code of the unit it is counted in.
    pub(super) base: &'static str,
    times: i128,
    over: i128,
}

impl Unit {
    /// A number of this unit, in millionths, as one of the base.
    pub(super) fn convert(self, number: i64) -> i64 {
        if number == i64::MIN || number == i64::MAX {
            return number;
        }
        let converted = i128::from(number).saturating_mul(self.times) / self.over;
        i64::try_from(converted).unwrap_or(if converted < 0 { i64::MIN } else { i64::MAX })
    }
}

/// The unit of a UCUM code, where it can be converted.
pub(super) fn find(code: &str) -> Option<Unit> {
    UNITS.iter().copied().find(|unit| unit.code == code)
}

const fn unit(code: &'static str, base: &'static str, times: i128, over: i128) -> Unit {
    Unit { code, base, times, over }
}

/// By dimension: mass, length, volume, time, pressure, concentrations, rates.
const UNITS: &[Unit] = &[
    unit("kg", "ug", 1_000_000_000, 1),
    unit("g", "ug", 1_000_000, 1),
    unit("mg", "ug", 1_000, 1),
    unit("ug", "ug", 1, 1),
    unit("ng", "ug", 1, 1_000),
    unit("km", "um", 1_000_000_000, 1),
    unit("m", "um", 1_000_000, 1),
    unit("dm", "um", 100_000, 1),
    unit("cm", "um", 10_000, 1),
    unit("mm", "um", 1_000, 1),
    unit("um", "um", 1, 1),
    unit("L", "uL", 1_000_000, 1),
    unit("l", "uL", 1_000_000, 1),
    unit("dL", "uL", 100_000, 1),
    unit("cL", "uL", 10_000, 1),
    unit("mL", "uL", 1_000, 1),
    unit("ml", "uL", 1_000, 1),
    unit("uL", "uL", 1, 1),
    unit("wk", "s", 604_800, 1),
    unit("d", "s", 86_400, 1),
    unit("h", "s", 3_600, 1),
    unit("min", "s", 60, 1),
    unit("s", "s", 1, 1),
    unit("ms", "s", 1, 1_000),
    unit("bar", "Pa", 100_000, 1),
    unit("kPa", "Pa", 1_000, 1),
    unit("Pa", "Pa", 1, 1),
    unit("mm[Hg]", "Pa", 133_322_387_415, 1_000_000_000),
    unit("cm[H2O]", "Pa", 980_665, 10_000),
    unit("g/L", "ug/L", 1_000_000, 1),
    unit("g/dL", "ug/L", 10_000_000, 1),
    unit("mg/mL", "ug/L", 1_000_000, 1),
    unit("mg/dL", "ug/L", 10_000, 1),
    unit("mg/L", "ug/L", 1_000, 1),
    unit("ug/mL", "ug/L", 1_000, 1),
    unit("ug/dL", "ug/L", 10, 1),
    unit("ug/L", "ug/L", 1, 1),
    unit("ng/mL", "ug/L", 1, 1),
    unit("ng/L", "ug/L", 1, 1_000),
    unit("pg/mL", "ug/L", 1, 1_000),
    unit("mol/L", "nmol/L", 1_000_000_000, 1),
    unit("mmol/L", "nmol/L", 1_000_000, 1),
    unit("umol/L", "nmol/L", 1_000, 1),
    unit("nmol/L", "nmol/L", 1, 1),
    unit("pmol/L", "nmol/L", 1, 1_000),
    unit("Hz", "/min", 60, 1),
    unit("/s", "/min", 60, 1),
    unit("/min", "/min", 1, 1),
    unit("{beats}/min", "/min", 1, 1),
    unit("/h", "/min", 1, 60),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_unit_is_a_number_of_its_base() {
        let convert = |code: &str, number: i64| find(code).unwrap().convert(number);
        assert_eq!(convert("kg", 70_500_000), convert("g", 70_500_000_000));
        assert_eq!(convert("mm[Hg]", 1_000_000), 133_322_387);
        assert_eq!(convert("g/L", 1_000_000), convert("mg/dL", 100_000_000));
        assert_eq!(convert("kg", i64::MAX), i64::MAX, "an open end stays open");
        assert_eq!(convert("kg", i64::MAX / 2), i64::MAX);
        assert_eq!(find("mg/kg"), None);
    }

    #[test]
    fn every_base_is_a_unit_of_itself() {
        for unit in UNITS {
            let base = find(unit.base).unwrap();
            assert_eq!((base.base, base.times, base.over), (unit.base, 1, 1), "{}", unit.code);
        }
    }
}
