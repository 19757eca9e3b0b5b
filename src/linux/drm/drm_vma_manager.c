// SPDX-License-Identifier: MIT OR GPL-2.0
#include <drm/drm_vma_manager.h>
#include <linux/slab.h>
#include <linux/string.h>

/* A file that may map the node, as often as it has handles of it. */
struct offset_file {
	struct list_head link;
	struct drm_file *tag;
	unsigned long count;
};

void drm_vma_offset_manager_init(struct drm_vma_offset_manager *mgr,
				 unsigned long page_offset, unsigned long size)
{
	spin_lock_init(&mgr->vm_lock);
	drm_mm_init(&mgr->vm_addr_space_mm, page_offset, size);
}

void drm_vma_offset_manager_destroy(struct drm_vma_offset_manager *mgr)
{
	drm_mm_takedown(&mgr->vm_addr_space_mm);
}

struct drm_vma_offset_node *
drm_vma_offset_lookup_locked(struct drm_vma_offset_manager *mgr,
			     unsigned long start, unsigned long pages)
{
	struct drm_mm_node *node =
		linux_drm_mm_find(&mgr->vm_addr_space_mm, start);

	if (!node || pages > node->size - (start - node->start))
		return NULL;
	return container_of(node, struct drm_vma_offset_node, vm_node);
}

int drm_vma_offset_add(struct drm_vma_offset_manager *mgr,
		       struct drm_vma_offset_node *node, unsigned long pages)
{
	int ret = 0;

	spin_lock(&mgr->vm_lock);
	if (!drm_mm_node_allocated(&node->vm_node))
		ret = drm_mm_insert_node(&mgr->vm_addr_space_mm,
					 &node->vm_node, pages);
	spin_unlock(&mgr->vm_lock);
	return ret;
}

void drm_vma_offset_remove(struct drm_vma_offset_manager *mgr,
			   struct drm_vma_offset_node *node)
{
	spin_lock(&mgr->vm_lock);
	if (drm_mm_node_allocated(&node->vm_node)) {
		drm_mm_remove_node(&node->vm_node);
		memset(&node->vm_node, 0, sizeof(node->vm_node));
	}
	spin_unlock(&mgr->vm_lock);
}

void drm_vma_node_reset(struct drm_vma_offset_node *node)
{
	memset(node, 0, sizeof(*node));
	INIT_LIST_HEAD(&node->vm_files);
	spin_lock_init(&node->vm_lock);
}

/* With vm_lock held. */
static struct offset_file *find_file(struct drm_vma_offset_node *node,
				     struct drm_file *tag)
{
	struct offset_file *entry;

	list_for_each_entry(entry, &node->vm_files, link) {
		if (entry->tag == tag)
			return entry;
	}
	return NULL;
}

int drm_vma_node_allow(struct drm_vma_offset_node *node, struct drm_file *tag)
{
	struct offset_file *entry, *new_entry;

	new_entry = kzalloc(sizeof(*new_entry), GFP_KERNEL);
	if (!new_entry)
		return -ENOMEM;

	spin_lock(&node->vm_lock);
	entry = find_file(node, tag);
	if (!entry) {
		entry = new_entry;
		entry->tag = tag;
		list_add(&entry->link, &node->vm_files);
		new_entry = NULL;
	}
	entry->count++;
	spin_unlock(&node->vm_lock);
	kfree(new_entry);
	return 0;
}

void drm_vma_node_revoke(struct drm_vma_offset_node *node, struct drm_file *tag)
{
	struct offset_file *entry;

	spin_lock(&node->vm_lock);
	entry = find_file(node, tag);
	if (entry && --entry->count)
		entry = NULL;
	if (entry)
		list_del(&entry->link);
	spin_unlock(&node->vm_lock);
	kfree(entry);
}

bool drm_vma_node_is_allowed(struct drm_vma_offset_node *node,
			     struct drm_file *tag)
{
	bool allowed;

	spin_lock(&node->vm_lock);
	allowed = find_file(node, tag);
	spin_unlock(&node->vm_lock);
	return allowed;
}
