//! The interactions of a transaction inside their unit of work, in R4's order: DELETE, POST, PUT and
//! PATCH, GET; what refers to others by criteria is written last of the writes (R4 `http.html#trules`).

use std::collections::HashSet;

use serde_json::Value;

use super::known::{self, Names, renamed};
use super::plan::{Plan, Ready, Step, change};
use super::{Ask, Changes, Done, Halt};
use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::{Code, Error, Issue};
use crate::ids::{LogicalId, ShardKey};
use crate::model::audit::AuditRecord;
use crate::model::resource::ResourceType;
use crate::ops::consult::{Consulted, notify};
use crate::ops::facts;
use crate::ops::resource::create::{self, Created, New};
use crate::ops::resource::patch::{self, Patch};
use crate::ops::resource::reach::{self, Kept, is_directory};
use crate::ops::resource::update::{self, Update};
use crate::ops::resource::write::Written;
use crate::ops::resource::{delete, find, history, read};
use crate::ops::trace::Trace;
use crate::store::Tx;

/// Runs all of a transaction, or stops at the first entry that cannot be done; with the trace of each.
pub(super) fn all(
    tx: &mut Tx<'_>,
    ctx: &Context,
    plan: &Plan,
    every_access: bool,
) -> Result<(Vec<Done>, Vec<AuditRecord>), Halt> {
    let mut run = Run::of(ctx, plan, every_access);
    if let Err(denial) = facts::enrolment(tx, ctx)? {
        return Err(run.refused(plan.steps.first().ok_or(Code::Required)?, denial));
    }
    run.each(tx, |step| matches!(step.ask, Ready::Other(Ask::Delete(_))))?;
    for step in plan.steps.iter().filter(|step| !step.is_certain) {
        known::identify(tx, ctx, step, run.trace(step), &mut run.names)?;
    }
    let is_create = |step: &Step| matches!(step.ask, Ready::Create(_));
    let is_change = |step: &Step| matches!(step.ask, Ready::Update(_) | Ready::Patch(..));
    run.each(tx, |step| is_create(step) && !step.has_conditions)?;
    run.each(tx, |step| is_change(step) && !step.has_conditions)?;
    let mut names = std::mem::take(&mut run.names);
    known::resolve(tx, ctx, plan, |step| run.trace(step), &mut names)?;
    run.names = names;
    run.each(tx, |step| is_create(step) && step.has_conditions)?;
    run.each(tx, |step| is_change(step) && step.has_conditions)?;
    run.each(tx, |step| matches!(&step.ask, Ready::Other(ask) if !matches!(ask, Ask::Delete(_))))?;
    let done = run.done.into_iter().collect::<Option<Vec<_>>>().ok_or(Code::Internal)?;
    Ok((done, run.traces))
}

struct Run<'a> {
    ctx: &'a Context,
    plan: &'a Plan,
    every_access: bool,
    /// The record, or the directory, once an entry has shown which.
    shard: Option<ShardKey>,
    /// What was written so far: each resource once.
    written: HashSet<(ResourceType, String)>,
    names: Names,
    done: Vec<Option<Done>>,
    traces: Vec<AuditRecord>,
}

impl<'a> Run<'a> {
    fn of(ctx: &'a Context, plan: &'a Plan, every_access: bool) -> Self {
        let done = std::iter::repeat_with(|| None).take(plan.steps.len()).collect();
        Self {
            ctx,
            plan,
            every_access,
            shard: None,
            written: HashSet::new(),
            names: Names::new(),
            done,
            traces: Vec::with_capacity(plan.steps.len()),
        }
    }

    fn trace(&self, step: &Step) -> Trace {
        Trace::of(self.ctx, step.ids.0, step.act)
    }

    fn refused(&self, step: &Step, denial: Denial) -> Halt {
        Halt::Refused { number: step.number, denial, trace: Box::new(self.trace(step)) }
    }

    fn failed(&self, step: &Step, issue: Issue) -> Halt {
        Halt::Failed { number: step.number, error: issue.into(), trace: Box::new(self.trace(step)) }
    }

    /// Runs the entries of one kind, in the order of the bundle.
    fn each(&mut self, tx: &mut Tx<'_>, is_now: impl Fn(&Step) -> bool) -> Result<(), Halt> {
        let plan = self.plan;
        for (place, step) in plan.steps.iter().enumerate().filter(|(_, step)| is_now(step)) {
            let done = self.one(tx, step)?;
            if let Some(slot) = self.done.get_mut(place) {
                *slot = Some(done);
            }
        }
        Ok(())
    }

    fn one(&mut self, tx: &mut Tx<'_>, step: &Step) -> Result<Done, Halt> {
        let must_rename = step.has_conditions || (step.waits && !self.names.is_empty());
        match &step.ask {
            Ready::Create(new) if must_rename => {
                let draft = new.draft.saying(renamed(new.draft.body(), &self.names));
                let new = New { draft, person: new.person.clone(), unless: new.unless.clone() };
                let done = self.create(tx, step, &new)?;
                self.resolved(step, new.draft.body()).map(|()| done)
            }
            Ready::Create(new) => self.create(tx, step, new),
            Ready::Update(update) if must_rename => {
                let draft = update.draft.saying(renamed(update.draft.body(), &self.names));
                let (target, if_match) = (update.target.clone(), update.if_match.clone());
                let update = Update { target, draft, if_match };
                let done = self.update(tx, step, &update)?;
                self.resolved(step, update.draft.body()).map(|()| done)
            }
            Ready::Update(update) => self.update(tx, step, update),
            Ready::Patch(asked, Changes::Parameters(parameters)) if must_rename => {
                let change = change(&Changes::Parameters(renamed(parameters, &self.names)))?;
                let (target, if_match) = (asked.target.clone(), asked.if_match.clone());
                self.patch(tx, step, &Patch { kind: asked.kind, target, change, if_match, mode: asked.mode })
            }
            Ready::Patch(asked, _) => self.patch(tx, step, asked),
            Ready::Other(Ask::Delete(asked)) => self.delete(tx, step, asked),
            Ready::Other(ask) => self.consult(tx, step, ask),
        }
    }

    /// Refuses what would be kept with a reference that names nobody the caller may name.
    fn resolved(&self, step: &Step, body: &Value) -> Result<(), Halt> {
        if step.has_conditions && known::is_unresolved(self.plan, body) {
            return Err(Halt::Failed {
                number: step.number,
                error: known::unknown(),
                trace: Box::new(self.trace(step)),
            });
        }
        Ok(())
    }

    fn create(&mut self, tx: &mut Tx<'_>, step: &Step, new: &New) -> Result<Done, Halt> {
        let kind = new.draft.kind();
        let made = create::make(tx, self.ctx, new, step.fresh, self.trace(step))?;
        let (kept, is_new) = match self.settle(step, made)? {
            Created::Made(kept) => (kept, true),
            Created::Existing(kept) => (kept, false),
        };
        self.keeps(step, kind, &kept.id)?;
        Ok(Done::Kept { kind, kept, is_new, warnings: warnings(step) })
    }

    fn update(&mut self, tx: &mut Tx<'_>, step: &Step, asked: &Update) -> Result<Done, Halt> {
        let kind = asked.draft.kind();
        let updated = update::revise(tx, self.ctx, &self.plan.base, asked, step.fresh, self.trace(step))?;
        let updated = self.settle(step, updated)?;
        self.keeps(step, kind, &updated.kept.id)?;
        Ok(Done::Kept { kind, kept: updated.kept, is_new: updated.is_new, warnings: warnings(step) })
    }

    fn patch(&mut self, tx: &mut Tx<'_>, step: &Step, asked: &Patch) -> Result<Done, Halt> {
        let kept = patch::change(tx, self.ctx, &self.plan.base, asked, self.trace(step))?;
        let kept = self.settle(step, kept)?;
        self.keeps(step, asked.kind, &kept.id)?;
        Ok(Done::Kept { kind: asked.kind, kept, is_new: false, warnings: Vec::new() })
    }

    fn delete(&mut self, tx: &mut Tx<'_>, step: &Step, asked: &delete::Delete) -> Result<Done, Halt> {
        // Criteria find nothing any more once it is gone: whose identity it was is asked before.
        let (found, _trace) = reach::target(tx, self.ctx, asked.kind, &asked.target, self.trace(step))?;
        if let Ok((reached, key)) = found {
            self.stays(step, reached.permit.shard())?;
            if !self.written.insert((asked.kind, key.to_string())) {
                return Err(self.repeated(step));
            }
            if let Some(there) = tx.find_resource(&reached.permit, asked.kind, key)? {
                self.written.insert((asked.kind, Kept::of(there)?.id));
            }
        }
        let deleted = delete::remove(tx, self.ctx, asked, self.trace(step))?;
        self.settle(step, deleted).map(Done::Deleted)
    }

    fn consult(&mut self, tx: &mut Tx<'_>, step: &Step, ask: &Ask) -> Result<Done, Halt> {
        let (ctx, trace) = (self.ctx, self.trace(step));
        match ask {
            Ask::Read { kind, id, version } => {
                let named = version.map_or_else(String::new, |version| format!("/_history/{version}"));
                let is_id = crate::ids::is_fhir_id(id);
                let trace = if is_id { trace.touching(format!("{}/{id}{named}", kind.name())) } else { trace };
                let read = read::load(tx, ctx, *kind, id, *version, trace)?;
                self.consulted(tx, step, read).map(|kept| Done::Read(*kind, kept))
            }
            Ask::Search(query) => {
                let found = find::load(tx, ctx, query, trace.query(query.traced.clone()))?;
                self.consulted(tx, step, found).map(|found| Done::Found(Box::new(found)))
            }
            Ask::History(_, asked) => {
                let listed = history::load(tx, ctx, asked, trace)?;
                self.consulted(tx, step, listed).map(Done::Listed)
            }
            Ask::Create { .. } | Ask::Update { .. } | Ask::Patch { .. } | Ask::Delete(_) => Err(Code::Internal.into()),
        }
    }

    /// What a write came to; its trace is kept with the others.
    fn settle<T>(&mut self, step: &Step, written: Written<T>) -> Result<T, Halt> {
        let number = step.number;
        match written {
            Written::Done { value, rule, trace } => {
                self.traces.push(trace.done(rule));
                Ok(value)
            }
            Written::Refused { denial, trace } => Err(Halt::Refused { number, denial, trace: Box::new(trace) }),
            Written::Failed { error, trace } => Err(Halt::Failed { number, error, trace: Box::new(trace) }),
        }
    }

    /// What a consultation came to; a first access is notified as alone.
    fn consulted<T>(&mut self, tx: &mut Tx<'_>, step: &Step, consulted: Consulted<T>) -> Result<T, Halt> {
        match consulted {
            Consulted::Done { permit, facts, value, trace } => {
                self.stays(step, permit.shard())?;
                notify(tx, self.ctx, (&permit, &facts), (step.ids.1, trace.id()), self.every_access)?;
                self.traces.push(trace.done(permit.rule()));
                Ok(value)
            }
            Consulted::Refused { denial, trace } => {
                Err(Halt::Refused { number: step.number, denial, trace: Box::new(trace) })
            }
        }
    }

    /// Notes which resource an entry wrote: in the record of the others, under the name they call it by,
    /// and each once.
    fn keeps(&mut self, step: &Step, kind: ResourceType, id: &str) -> Result<(), Halt> {
        let own = id.parse::<LogicalId>().map(|id| id.shard);
        let shard = if is_directory(kind) { Ok(ShardKey::DIRECTORY) } else { own };
        self.stays(step, shard.map_err(|_not_ours| Error::from(Code::Internal))?)?;
        let name = step.name.as_ref().map(|name| self.names.get(name).unwrap_or(name));
        // Another entry made what the criteria find now, or this one would have found what another made.
        let is_other =
            name.is_some_and(|name| name.strip_prefix(kind.name()).and_then(|rest| rest.strip_prefix('/')) != Some(id));
        if is_other || !self.written.insert((kind, id.to_owned())) {
            return Err(self.repeated(step));
        }
        Ok(())
    }

    fn repeated(&self, step: &Step) -> Halt {
        self.failed(step, Issue::new(Code::RepeatedIdentity).rule("R4 http#trules"))
    }

    /// One record, or the directory: what lies elsewhere cannot be kept in the same unit of work.
    fn stays(&mut self, step: &Step, shard: ShardKey) -> Result<(), Halt> {
        if *self.shard.get_or_insert(shard) == shard {
            return Ok(());
        }
        Err(self.failed(step, Issue::new(Code::SeveralRecords).rule("limits §7")))
    }
}

/// What was tolerated in the resource of an entry.
fn warnings(step: &Step) -> Vec<Issue> {
    match &step.ask {
        Ready::Create(new) => new.draft.warnings().to_vec(),
        Ready::Update(update) => update.draft.warnings().to_vec(),
        Ready::Patch(..) | Ready::Other(_) => Vec::new(),
    }
}
