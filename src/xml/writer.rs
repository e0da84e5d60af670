//! The writer: escaping that cannot be forgotten, ends that always match (XML 1.0 §2.4).

/// Builds one document, element by element.
#[derive(Default)]
pub struct Writer {
    out: String,
    open: Vec<String>,
    in_tag: bool,
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

    /// Opens an element; `name` as written, prefix included. The name must come from our own code.
    pub fn start(&mut self, name: &str) -> &mut Self {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name.to_owned());
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
        self.close_tag();
        self.out.push_str(xml);
        self
    }

    /// Closes the innermost open element, as an empty one where nothing was put in it.
    pub fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.in_tag {
                self.out.push_str("/>");
                self.in_tag = false;
            } else {
                self.out.push_str("</");
                self.out.push_str(&name);
                self.out.push('>');
            }
        }
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
}

fn escape(out: &mut String, text: &str, in_attribute: bool) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' if in_attribute => out.push_str("&#10;"),
            '\t' if in_attribute => out.push_str("&#9;"),
            // What XML 1.0 cannot carry at all is replaced: the document stays readable.
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
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
}
