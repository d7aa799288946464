"""The notebook promote.ipynb as a script: plan, look, apply, history, page, promote."""

# %% [markdown]
# # A promotion, from a notebook
#
# Needs a repository with a `registry-state` folder, and `MLFLOW_REGISTRY_URI`.

# %%
import reconciler

r = reconciler.open("registry-state")

# %% [markdown]
# What would change? `plan` only ever reads. The table is the plan's own.

# %%
plan = r.plan()
plan

# %%
plan.violations

# %% [markdown]
# Write exactly that. A plan that a policy denies, a dirty checkout or a registry that moved is refused.

# %%
report = r.apply(plan)
report

# %% [markdown]
# Who put which version where, when, and approved by whom: git answers.

# %%
model = plan.changes[0].model
r.history(model)

# %% [markdown]
# All models at a glance: `r.page("page")` writes the same as files that open without a server.

# %%
r.page()

# %% [markdown]
# Promote the next version: a change to the file, which goes the usual way.

# %%
edit = r.promote(model, 2)
print(edit.diff)

# %%
edit.commit(branch=f"promote/{model}-v2")
