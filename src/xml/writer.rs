//! The writer: escaping that cannot be forgotten, ends that always match (XML 1.0 §2.4).

/// Spaces by which a level is set in.
const INDENT: usize = 2;

/// Builds one document, element by element.
#[derive(Default)]
pub struct Writer {
    out: String,
    /// The names of the open elements, one after the other.
    names: String,
    open: Vec<Open>,
    in_tag: bool,
    is_indented: bool,
}

/// An element that is open.
struct Open {
    /// The bytes of its name.
    name: usize,
    /// Whether an element stands in it.
    has_children: bool,
}

impl Writer {
    /// A document that opens with its XML declaration.
    pub fn document() -> Self {
        Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), ..Self::default() }
    }

    /// A piece of a document, without declaration.
    pub fn fragment() -> Self {
        Self::default()
    }

    /// The same with each element on a line of its own. For documents without mixed content.
    pub fn indented(self) -> Self {
        Self { is_indented: true, ..self }
    }

    /// Opens an element; `name` as written, prefix included. The name must come from our own code.
    pub fn start(&mut self, name: &str) -> &mut Self {
        self.child();
        self.out.push('<');
        self.out.push_str(name);
        self.names.push_str(name);
        self.open.push(Open { name: name.len(), has_children: false });
        self.in_tag = true;
        self
    }

    /// Adds an attribute to the element just opened; without one, nothing is written.
    pub fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        if self.in_tag {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(&mut self.out, value, true);
            self.out.push('"');
        }
        self
    }

    /// Adds text to the innermost open element.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.close_tag();
        escape(&mut self.out, text, false);
        self
    }

    /// Adds a piece that is already XML: a narrative, the output of another writer.
    pub fn raw(&mut self, xml: &str) -> &mut Self {
        self.child();
        self.out.push_str(xml);
        self
    }

    /// Closes the innermost open element, as an empty one where nothing was put in it.
    pub fn end(&mut self) -> &mut Self {
        let Some(Open { name, has_children }) = self.open.pop() else { return self };
        let start = self.names.len().saturating_sub(name);
        if self.in_tag {
            self.out.push_str("/>");
            self.in_tag = false;
        } else {
            if has_children {
                self.new_line();
            }
            self.out.push_str("</");
            self.out.push_str(self.names.get(start..).unwrap_or_default());
            self.out.push('>');
        }
        self.names.truncate(start);
        self
    }

    /// An element with attributes and nothing in it. Attributes without a value are left out.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, Option<&str>)]) -> &mut Self {
        self.start(name);
        for (name, value) in attributes {
            if let Some(value) = value {
                self.attribute(name, value);
            }
        }
        self.end()
    }

    /// An element with a text and nothing else.
    pub fn leaf(&mut self, name: &str, text: &str) -> &mut Self {
        self.start(name).text(text).end()
    }

    /// Closes what is open and hands out the document.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.out.push('>');
        }
    }

    /// Before an element: its place in its parent.
    fn child(&mut self) {
        self.close_tag();
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        if self.is_indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.open.len().saturating_mul(INDENT)));
        }
    }
}

/// Whether a byte may have to be written otherwise: few do, and the others are copied by the run.
const fn is_special(byte: u8) -> bool {
    // U+FFFE and U+FFFF begin with 0xEF.
    byte < b' ' || matches!(byte, b'<' | b'>' | b'&' | b'"' | 0xEF)
}

fn escape(out: &mut String, mut text: &str, in_attribute: bool) {
    while let Some((plain, rest)) = text.bytes().position(is_special).and_then(|at| text.split_at_checked(at)) {
        out.push_str(plain);
        let mut characters = rest.chars();
        match characters.next() {
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('&') => out.push_str("&amp;"),
            Some('"') if in_attribute => out.push_str("&quot;"),
            Some('\r') => out.push_str("&#13;"),
            Some('\n') if in_attribute => out.push_str("&#10;"),
            Some('\t') if in_attribute => out.push_str("&#9;"),
            // What XML 1.0 cannot carry at all is replaced: the document stays readable.
            Some('\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            Some(other) => out.push(other),
            None => {}
        }
        text = characters.as_str();
    }
    out.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_escaped_and_its_ends_match() {
        let mut writer = Writer::document();
        writer
            .start("a")
            .attribute("b", "\"<\n")
            .leaf("c", "x & y > \u{1}")
            .empty("d", &[("e", None), ("f", Some("1"))]);
        assert_eq!(
            writer.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"&quot;&lt;&#10;\"><c>x &amp; y &gt; \u{fffd}</c><d f=\"1\"/></a>"
        );
    }

    #[test]
    fn an_indented_document_has_one_element_a_line_and_its_narrative_untouched() {
        let mut writer = Writer::fragment().indented();
        writer.start("a").start("b").attribute("c", "é\u{ffff}\u{fdd0}").end().start("d").raw("<p>x <b/></p>");
        assert_eq!(writer.finish(), "<a>\n  <b c=\"é\u{fffd}\u{fdd0}\"/>\n  <d>\n    <p>x <b/></p>\n  </d>\n</a>");
    }
}
