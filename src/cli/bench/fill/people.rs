//! The persons of a large store: known by their number alone, so that the driver names the same ones
//! (document-sharing §2: INS of the test domain `.10`, with a valid key).

use crate::cli::Failure;
use crate::cli::demo::personas::{Demo, Persona};
use crate::ids::{IdSource as _, Ins, InsDomain, SeededIds};

/// Most persons there are numbers for.
pub(in crate::cli::bench) const MOST: u32 = 1_000_000;
/// One person in so many has `dr-martin` as médecin traitant, who may then read the record.
const FOLLOWED: u32 = 10;
/// Where the sequences of their keys begin.
const SEED: u64 = 0x00e5_0000_0000;

/// Person `number`: the demo data's `dominique` with an INS, a key and an address of his own.
pub(in crate::cli::bench) fn person(demo: &Demo, number: u32) -> Result<Persona, Failure> {
    let model = demo.persona("dominique");
    let mut person = model.cloned().ok_or_else(|| Failure::Failed("the demo data has no dominique".to_owned()))?;
    person.name = format!("number {number}");
    person.key = SeededIds::new(SEED + u64::from(number)).patient_key();
    person.ins = ins(number)?;
    "SYNTHETIQUE".clone_into(&mut person.traits.family);
    person.contact.activation_email = Some(format!("number-{number}@example.org"));
    person.contact.assurance_maladie_email = None;
    Ok(person)
}

/// The INS of person `number`. Born in a department that no persona was born in, from 1930 on.
pub(in crate::cli::bench) fn ins(number: u32) -> Result<Ins, Failure> {
    let (sex, year, rest) = (1 + number % 2, 30 + number / 2 % 70, number / 140);
    let (month, commune, order) = (1 + rest % 12, 100 + rest / 12 % 400, 1 + rest / 4_800);
    let matricule = format!("{sex}{year:02}{month:02}99{commune:03}{order:03}");
    let digits: u64 = matricule.parse().map_err(|error| Failure::from_error("a matricule", &error))?;
    let value = format!("{matricule}{:02}", 97 - digits % 97);
    Ins::parse(InsDomain::Test.oid(), &value).map_err(|error| Failure::from_error("an INS", &error))
}

/// Whether person `number` has `dr-martin` as médecin traitant.
pub(in crate::cli::bench) const fn is_followed(number: u32) -> bool {
    number.is_multiple_of(FOLLOWED)
}

/// How many of so many persons are followed: those of the numbers 0, 10, 20...
pub(in crate::cli::bench) const fn followed_of(patients: u32) -> u32 {
    patients.div_ceil(FOLLOWED)
}

/// The number of a followed person.
pub(in crate::cli::bench) const fn followed(place: u32) -> u32 {
    place * FOLLOWED
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_number_is_a_person_of_the_test_domain_and_none_is_a_persona() {
        let demo = Demo::load().unwrap();
        let numbers = (0..20_000).chain(MOST - 20_000..MOST);
        let all: HashSet<String> = numbers.clone().map(|number| ins(number).unwrap().value().to_owned()).collect();
        assert_eq!(all.len(), numbers.count());
        assert!(demo.personas.iter().all(|persona| !all.contains(persona.ins.value())));
        assert!([0, 7, 139, 140, MOST - 1].into_iter().all(|number| ins(number).unwrap().key_is_valid()));
        assert_eq!(ins(5).unwrap().system(), "urn:oid:1.2.250.1.213.1.4.10");
    }

    #[test]
    fn one_in_ten_is_followed() {
        assert_eq!((0..95).filter(|number| is_followed(*number)).count(), 10);
        assert_eq!((followed_of(95), followed_of(90), followed_of(1)), (10, 9, 1));
        assert!((0..followed_of(95)).all(|place| is_followed(followed(place))));
    }
}
