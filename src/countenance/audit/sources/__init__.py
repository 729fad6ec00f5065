"""Where an audit's data comes from: score files, templates, images, live services, outcomes and risk scores."""
