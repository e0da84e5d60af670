//! One verb, one file: FHIR interactions and IHE transactions.
//!
//! Each operation tells its whole story on one screen: load facts, decide, act, settle. It knows
//! no HTTP; it is handed a [`Context`](crate::access::context::Context) and typed input, and hands back a value or an error.

pub mod audit;
pub mod conformance;
mod consult;
pub mod directory;
pub mod document;
pub mod facts;
pub mod profile;
pub mod resource;
pub mod trace;

use std::sync::Arc;

use crate::error::{Code, Issue};
use crate::fhir::validate::package::Package;
use crate::ids::{IdSource, Ins, InsDomain, InsError};
use crate::store::Store;
use crate::store::blob::{BlobFolder, BlobLimits, MasterKeys};

/// What every operation works with.
#[derive(Debug, Clone)]
pub struct Service {
    /// Rows.
    pub store: Store,
    /// Where large documents are.
    pub folder: BlobFolder,
    /// What wraps the key of each document.
    pub keys: Arc<MasterKeys>,
    /// How large documents may be.
    pub limits: BlobLimits,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Choices of the operator that operations look at.
    pub settings: Settings,
    /// Definitions of packages, which come before our own.
    pub definitions: Arc<Package>,
}

/// Choices of the operator that operations look at.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Which INS domains are served.
    pub domain: Domain,
    /// Whether TD0.2 tells name, gender and birth date.
    pub tell_traits: bool,
    /// Whether a professional's every access is notified, not only the first (MES-081).
    pub notify_every_access: bool,
    /// Whether folders are kept (MHD Folders); else a submission that holds one is refused.
    pub folders: bool,
    /// Whether a FHIR document is kept (MHD FHIR Documents Publish); else a submission that holds one is refused.
    pub fhir_documents: bool,
}

/// Which INS domains are served (`identity.domain`, contract §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// .9, .10, .11.
    Test,
    /// .8, .9.
    Production,
}

impl Domain {
    const fn serves(self, domain: InsDomain) -> bool {
        match self {
            Self::Test => matches!(domain, InsDomain::Nia | InsDomain::Test | InsDomain::Demo),
            Self::Production => matches!(domain, InsDomain::Nir | InsDomain::Nia),
        }
    }

    /// Reads an INS that a write names: another domain, form or (under .8, .9) key is refused 422.
    pub fn read_ins(self, system: &str, value: &str) -> Result<Ins, Issue> {
        self.judge(system, value, Code::InsDomain, Code::InsKey)
    }

    /// Reads an INS that a search names: the same refusals, 400.
    pub fn search_ins(self, system: &str, value: &str) -> Result<Ins, Issue> {
        self.judge(system, value, Code::InsDomainSearch, Code::InsKeySearch)
    }

    fn judge(self, system: &str, value: &str, domain: Code, key: Code) -> Result<Ins, Issue> {
        let ins = Ins::parse(system, value).map_err(|error| match error {
            InsError::Domain => Issue::new(domain).rule("INS §2"),
            InsError::Form => Issue::new(key).rule("INS §2"),
        })?;
        if !self.serves(ins.domain()) {
            return Err(Issue::new(domain).rule("INS §2"));
        }
        if ins.domain().key_is_binding() && !ins.key_is_valid() {
            return Err(Issue::new(key).rule("INS §2"));
        }
        Ok(ins)
    }
}
