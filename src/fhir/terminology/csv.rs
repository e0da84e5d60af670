//! Rows of comma-separated values (RFC 4180), for the tables an operator imports.

/// The rows of a text, cells unquoted; `Err` is the number of the line at fault, from 1.
pub(super) fn rows(text: &str) -> Result<Vec<Vec<String>>, usize> {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let (mut is_quoted, mut line, mut opened) = (false, 1_usize, 1);
    let mut letters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\n' {
            line = line.saturating_add(1);
        }
        match letter {
            '"' if is_quoted => {
                if letters.next_if_eq(&'"').is_some() {
                    cell.push('"');
                } else if letters.peek().is_none_or(|next| matches!(next, ',' | '\r' | '\n')) {
                    is_quoted = false;
                } else {
                    return Err(line);
                }
            }
            _ if is_quoted => cell.push(letter),
            '"' if cell.is_empty() => (is_quoted, opened) = (true, line),
            '"' => return Err(line),
            ',' => row.push(std::mem::take(&mut cell)),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => end(&mut rows, &mut row, &mut cell),
            _ => cell.push(letter),
        }
    }
    if is_quoted {
        return Err(opened);
    }
    end(&mut rows, &mut row, &mut cell);
    Ok(rows)
}

/// Ends a row; an empty line is none.
fn end(rows: &mut Vec<Vec<String>>, row: &mut Vec<String>, cell: &mut String) {
    row.push(std::mem::take(cell));
    let row = std::mem::take(row);
    if row.iter().any(|cell| !cell.is_empty()) {
        rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn cells_are_unquoted_and_a_stray_quote_is_told_with_its_line() {
        let read = rows("a,\"b, \"\"c\"\"\"\r\n\n1,\"two\nlines\"\n,x").unwrap();
        assert_eq!(read, [vec!["a", "b, \"c\""], vec!["1", "two\nlines"], vec!["", "x"]]);
        assert_eq!(rows("a,b\nc\"d,e"), Err(2));
        assert_eq!(rows("a\n\"b\nc"), Err(2));
        assert_eq!(rows("\"a\"b"), Err(1));
        assert_eq!(rows(""), Ok(Vec::new()));
    }
}
