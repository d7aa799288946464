"""What tests are made of: servers, repositories, forges, workflows, plans, faults."""
