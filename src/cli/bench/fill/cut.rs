//! A text with places where names stand, cut once and written many times with others of the same length.

/// A text with places.
#[derive(Debug)]
pub(super) struct Cut(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    /// The number of a name.
    Name(usize),
}

impl Cut {
    /// Cuts a text wherever one of `names` stands; where two begin at one place, the longer one counts.
    pub(super) fn of(text: &str, names: &[String]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        loop {
            let found = names.iter().enumerate().filter(|(_, name)| !name.is_empty());
            let found = found.filter_map(|(number, name)| Some((rest.find(name.as_str())?, name.len(), number)));
            let next = found.min_by_key(|(place, length, _)| (*place, usize::MAX - length));
            let Some((place, length, number)) = next else { break };
            let (before, after) = rest.split_at(place);
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Name(number));
            rest = after.split_at(length).1;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    /// The text with other names, each in the place of the one of its number.
    pub(super) fn with(&self, names: &[String]) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Name(number) => names.get(*number).map_or("", String::as_str),
        });
        pieces.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_replaced_and_the_longer_one_first() {
        let names = ["ab", "abc", "x"].map(str::to_owned);
        let cut = Cut::of("-abc-ab-x-é", &names);
        assert_eq!(cut.with(&names), "-abc-ab-x-é");
        assert_eq!(cut.with(&["1", "2", "3"].map(str::to_owned)), "-2-1-3-é");
        assert_eq!(Cut::of("plain", &[]).with(&[]), "plain");
    }
}
