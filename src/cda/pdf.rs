//! A minimal PDF 1.4 (ISO 32000-1): one page of text lines, for demo and test documents of level 1.
//!
//! XDS-SD asks for PDF/A-1; this is plain PDF, which every reader opens, and is never offered as more.

use std::fmt::Write as _;

/// One A4 page in Helvetica; lines past the end of the page are left out. Characters outside
/// Latin-1 become `?`.
pub fn pdf_of_lines(lines: &[&str]) -> Vec<u8> {
    let mut content = String::from("BT /F1 12 Tf 16 TL 50 790 Td\n");
    for line in lines.iter().take(46) {
        content.push('(');
        for character in line.chars() {
            match u8::try_from(character) {
                Ok(b'(' | b')' | b'\\') => {
                    content.push('\\');
                    content.push(character);
                }
                Ok(byte @ (b' '..=b'~')) => content.push(char::from(byte)),
                Ok(byte @ 0xa0..) => push_octal(&mut content, byte),
                _ => content.push('?'),
            }
        }
        content.push_str(") Tj T*\n");
    }
    content.push_str("ET\n");
    let objects = [
        String::from("<< /Type /Catalog /Pages 2 0 R >>"),
        String::from("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
        String::from(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        ),
        String::from("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"),
        format!("<< /Length {} >>\nstream\n{content}endstream", content.len()),
    ];
    assemble(&objects).into_bytes()
}

/// Writing to a `String` cannot fail.
fn push_octal(content: &mut String, byte: u8) {
    let _ = write!(content, "\\{byte:03o}");
}

fn assemble(objects: &[String]) -> String {
    let mut pdf = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", pdf.len());
        let _ = writeln!(pdf, "{} 0 obj\n{object}\nendobj", index + 1);
    }
    let (start, size) = (pdf.len(), objects.len() + 1);
    let _ = write!(pdf, "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    pdf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cross_reference_table_points_at_its_objects() {
        let pdf = String::from_utf8(pdf_of_lines(&["Prénom (usuel) \\ 日"])).unwrap();
        assert!(pdf.contains("(Pr\\351nom \\(usuel\\) \\\\ ?) Tj"));
        let start: usize = pdf.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        let table = pdf.get(start..).unwrap();
        assert!(table.starts_with("xref\n0 6\n"));
        for (index, row) in table.lines().skip(3).take(5).enumerate() {
            let at: usize = row.get(..10).unwrap().parse().unwrap();
            assert!(pdf.get(at..).unwrap().starts_with(&format!("{} 0 obj", index + 1)));
        }
    }
}
