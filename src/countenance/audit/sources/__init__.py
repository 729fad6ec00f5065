"""Where an audit's data comes from: score files, templates, images, services, outcomes, risk scores, presentations."""
