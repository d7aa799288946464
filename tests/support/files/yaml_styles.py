"""Model files as different people write them."""

FILE = "registry-state/fraud.yaml"

PLAIN = """\
# who to ask: payments
model: fraud   # as registered
description: Scores card transactions  # shown on top
tags: {owner: payments-ml}

versions:
  # newest first
  4:
    stage: Production  # since May
    aliases: [champion]
    tags:
      risk: high   # by the board
      # more to come
      data: "2.10"
    description: >-
      Adds merchant-risk
      features

    run_id: 1f0c
  # the one before
  3:
    stage: Archived
# the end
"""
WIDE = """\
---
versions:
    '2':
        aliases:
            - champion  # serves

            - canary
        stage: 'Staging'

    '1':
        description: |  # markdown
            # Title

            A text
              with shape.

        tags:
            "risk": 'it''s low'
            team: x
"""
FLOW = "{model: fraud, versions: {4: {stage: Production, aliases: [champion, canary]}, 2: {}}}\n"
MIXED = """\
tags: {
  owner: payments,  # who pays
  "team": ml
}
versions:
  1: {stage: Archived, tags: { risk: low }}
  2: { stage: "Production" }   # good

  3:   {aliases: [canary,champion] , stage: None}
"""
DASHES = """\
model:   fraud
description:
  over the
  next lines
versions:
 10:
  aliases:
  - champion
  # serves
  stage:
   Production
 9: {}
retired: false
"""
EMPTY = """\
model: fraud
tags: {}
versions: {}  # none yet
# the end
"""
STYLES = (PLAIN, WIDE, FLOW, MIXED, DASHES, EMPTY)
