//! Names that lead elsewhere: chains, `_has`, `_list`, trees, inclusions (R4 search §chaining, §has, §include).

use espace::error::Code;
use espace::fhir::search::{Term, find};

use super::read;

fn only(kind: &str, query: &str) -> Term {
    let search = read(kind, query, true).unwrap_or_else(|issues| panic!("{query}: {issues:?}"));
    assert_eq!(search.terms.len(), 1, "{query}");
    search.terms.into_iter().next().unwrap()
}

#[test]
fn a_chain_goes_through_a_type_or_through_each_that_has_the_parameter() {
    let Term::Chain(chain) = only("DocumentReference", "custodian:Organization.name=x") else { panic!("no chain") };
    assert_eq!(chain.parameter.code, "custodian");
    assert!(chain.contained && chain.targets.len() == 1);
    assert_eq!(chain.targets[0], ("Organization", only("Organization", "name=x")));
    let Term::Chain(chain) = only("DocumentReference", "author.active=true") else { panic!("no chain") };
    let kinds: Vec<_> = chain.targets.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"]);
}

#[test]
fn a_chain_of_several_links_is_read_to_its_end() {
    let query = "author:PractitionerRole.organization.partof:Organization.name:exact=x";
    let Term::Chain(role) = only("DocumentReference", query) else { panic!("no chain") };
    let Term::Chain(organization) = &role.targets[0].1 else { panic!("one link") };
    let Term::Chain(part_of) = &organization.targets[0].1 else { panic!("two links") };
    assert_eq!(part_of.targets[0], ("Organization", only("Organization", "name:exact=x")));
}

#[test]
fn what_rows_say_of_contained_authors_is_asked_of_stored_ones_besides() {
    for query in ["author:Practitioner.family=x", "author.family=x", "author.identifier=x"] {
        let Term::Any(ways) = only("DocumentReference", query) else { panic!("{query}: one way") };
        let [Term::Index { .. }, Term::Chain(chain)] = ways.as_slice() else { panic!("{query}: {ways:?}") };
        assert!(!chain.contained, "{query}: the row says it");
    }
    // Absence is said by rows alone.
    assert!(matches!(only("DocumentReference", "author.family:missing=true"), Term::Missing { .. }));
}

#[test]
fn reverse_chains_nest_and_a_list_is_one_of_them() {
    let Term::Has(has) = only("DocumentReference", "_has:List:item:code=folder") else { panic!("no _has") };
    assert_eq!((has.kind, has.parameter.code), ("List", "item"));
    assert_eq!(*has.term, only("List", "code=folder"));
    let nested = "_has:List:item:_has:List:item:status=current";
    let Term::Has(has) = only("DocumentReference", nested) else { panic!("no _has") };
    assert!(matches!(*has.term, Term::Has(_)));
    let Term::Has(list) = only("DocumentReference", "_list=42") else { panic!("no list") };
    assert_eq!(*list.term, Term::Id(vec!["42".to_owned()]));
}

#[test]
fn a_reference_leads_into_a_tree_of_its_type() {
    let Term::Tree(tree) = only("DocumentReference", "custodian:below=Organization/o") else { panic!("no tree") };
    assert_eq!((tree.root.as_str(), tree.down), ("Organization/o", true));
    assert_eq!(Some(tree.part_of), find("Organization", "partof"));
    let Term::Tree(tree) = only("PractitionerRole", "location:above=l") else { panic!("no tree") };
    assert_eq!((tree.root.as_str(), tree.down), ("Location/l", false));
}

#[test]
fn longer_chains_than_are_served_are_too_costly() {
    let links = "partof:Organization.".repeat(6);
    for query in [format!("{links}name=x"), format!("{}name=x", "_has:Organization:partof:".repeat(6))] {
        let issues = read("Organization", &query, false).expect_err("served");
        assert_eq!(issues[0].code, Code::TooCostly, "{query}");
    }
}

#[test]
fn inclusions_name_a_source_a_parameter_and_a_target_or_all() {
    let search = read("DocumentReference", "_include=*&_include=DocumentReference:author:Practitioner", true).unwrap();
    assert!(search.includes[0].parameters.len() > 5 && !search.includes[0].iterates);
    assert_eq!(search.includes[1].target.as_deref(), Some("Practitioner"));
    let search = read(
        "DocumentReference",
        "_include:iterate=PractitionerRole:organization&_revinclude=List:item&_revinclude:iterate=List:*",
        true,
    )
    .unwrap();
    assert!(search.includes[0].iterates && search.includes[0].source == "PractitionerRole");
    assert_eq!(search.reverse_includes[0].parameters, [find("List", "item").unwrap()]);
    assert!(search.reverse_includes[1].iterates);
    assert_eq!(search.applied.len(), 3, "all of them stand in self");
}
