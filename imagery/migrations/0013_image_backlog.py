from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imagery", "0012_collectors"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                condition=models.Q(("embedder", "")), fields=["event", "id"], name="image_unseen"
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(fields=["event", "versions_by"], name="image_by_versions"),
        ),
    ]
